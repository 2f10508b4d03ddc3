"""The document of a diagnosis: what `edgetl doctor` found."""

from collections.abc import Mapping
from typing import ClassVar

from edgetl.diagnosis.base import Finding
from edgetl.documents import Count, Document
from edgetl.overview import Overview
from edgetl.wording import counted

NAME = "doctor.json"


class Diagnosis(Document):
    """The findings about the images of one source.

    Args:
        source: as the user named it.
        made: when, in UTC.
        data_stamp: identity of the images; it changes with any of them.
        images: number of usable images.
        counts: split -> class name -> number of images.
        notes: what to know about the findings as a whole.
        findings: check -> findings, surest first.
        exclude: images that should be left out.
        consider: images that should be left out if a person agrees.
        exclude_file: name of the file that lists both, and its sha256.
        seconds: duration.
    """

    REMEDY: ClassVar[str] = "make it again: edgetl doctor DATA"

    source: str
    made: str
    data_stamp: str
    images: Count
    counts: Mapping[str, Mapping[str, Count]]
    notes: tuple[str, ...]
    findings: Mapping[str, tuple[Finding, ...]]
    exclude: tuple[str, ...]
    consider: tuple[str, ...]
    exclude_file: str
    exclude_sha256: str
    seconds: float

    def overview(self) -> Overview:
        """Return how often each check found something."""
        rows = [(check, f"{len(findings):,}") for check, findings in self.found.items()]
        notes = [self.advice, *self.notes]
        return Overview(f"Examination of {counted(self.images, 'image')} of {self.source}", ("check", "findings"), rows, notes)

    @property
    def advice(self) -> str:
        """How many images should be left out, and how many more could be, as a sentence without its end."""
        should, could = len(self.exclude), len(self.consider)
        text = f"{counted(should, 'image')} should be left out" if should else "No image need be left out"
        return f"{text}, {'and' if should else 'but'} {could:,}{' more' if should else ''} could be" if could else text

    @property
    def found(self) -> dict[str, tuple[Finding, ...]]:
        """The checks that found something."""
        return {check: findings for check, findings in self.findings.items() if findings}
