"""Examine images: a page with the findings, a JSON file, and a list of images to leave out. The images are only read."""

import logging
import time
from collections.abc import Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgetl.data import exclude as exclude_list
from edgetl.data import images
from edgetl.data.base import SPLITS, Listing, Rejected
from edgetl.data.formats import ARE_READ, decoders
from edgetl.data.splits import completed
from edgetl.data.stored import read_array, write_array
from edgetl.diagnosis import CHECKS
from edgetl.diagnosis.alike import find_pairs
from edgetl.diagnosis.base import DatasetFacts, Finding, ImageFacts
from edgetl.diagnosis.copies import all_alike
from edgetl.diagnosis.inspect import inspect_image
from edgetl.diagnosis.labels import judged_classes
from edgetl.diagnosis.results import NAME, Diagnosis
from edgetl.errors import DataError, RunError, UsageError
from edgetl.files import atomic, check_folder, fingerprint, sha256
from edgetl.overview import Overview, Tabular
from edgetl.pipeline.reading import split_options
from edgetl.pipeline.recorded_images import listing_of
from edgetl.recipe import Recipe, anchored
from edgetl.report.page import findings as report
from edgetl.run_folder import RunFolder
from edgetl.wording import counted

logger = logging.getLogger(__name__)

_VERSION = 2  # raise it when the same images give other features
OUT = Path("doctor")  # where findings go when no folder is named

Findings = Mapping[str, tuple[Finding, ...]]


@dataclass(frozen=True, repr=False)
class Examination(Tabular):
    """A diagnosis and the folder that holds its files."""

    diagnosis: Diagnosis
    folder: Path

    @property
    def page(self) -> Path:
        return self.folder / "doctor.html"

    @property
    def document(self) -> Path:
        return self.folder / NAME

    @property
    def exclude(self) -> Path:
        """The list of images to leave out, for training."""
        return self.folder / self.diagnosis.exclude_file

    def overview(self) -> Overview:
        """Return the findings, with where they are shown."""
        return self.diagnosis.overview().with_note(f"shown in {self.page}")


def doctor(recipe: Recipe, out: Path | None = None, *, fast: bool = False) -> Examination:
    """Examine the recipe's images and write what was found.

    Args:
        out: a folder; a run's: its splits are examined, and its report shows the findings.
        fast: work without features, so that wrong labels, and near copies that were cropped, are not found.
    """
    started = time.monotonic()
    source = Path(recipe.data.source)
    out = out or OUT / (source.resolve().stem or "data")
    _check_out(out, source)
    recipe = _as_the_run(out, recipe)
    listing = listing_of(recipe)
    data = _facts(listing, recipe, out / "cache", fast=fast)
    found = {name: _check(name, data) for name in CHECKS}
    exclude = tuple(dict.fromkeys(name for findings in found.values() for one in findings for name in one.exclude))
    doubtful = dict.fromkeys(name for findings in found.values() for one in findings for name in one.consider)
    listed = _exclude_file(out)
    with atomic(listed) as temporary:
        temporary.write_text(_exclude_text(listing.source, found, set(exclude)), encoding="utf-8")
    diagnosis = Diagnosis(
        source=listing.source,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        data_stamp=listing.stamp,
        images=len(data.names),
        counts=_counts(data),
        notes=tuple(_notes(listing, data, fast=fast)),
        findings=found,
        exclude=exclude,
        consider=tuple(name for name in doubtful if name not in set(exclude)),
        exclude_file=listed.name,
        exclude_sha256=sha256(listed),
        seconds=round(time.monotonic() - started, 1),
    )
    examination = Examination(diagnosis, out)
    with atomic(examination.page) as temporary:
        temporary.write_text(report.page(diagnosis, {item.name: item for item in listing.items}), encoding="utf-8")
    diagnosis.write(examination.document)
    return examination


def _check(name: str, data: DatasetFacts) -> tuple[Finding, ...]:
    found = sorted(CHECKS.load(name)(data), key=lambda one: -one.score)
    return tuple(replace(one, score=round(one.score, 3)) for one in found)


def _counts(data: DatasetFacts) -> dict[str, dict[str, int]]:
    shown, splits = data.shown, np.array(data.splits)
    return {split: dict(zip(data.class_names, shown[splits == split].sum(0).tolist(), strict=True)) for split in SPLITS}


def _check_out(out: Path, source: Path) -> None:
    if source.is_dir() and out.resolve().is_relative_to(source.resolve()):
        raise UsageError(f"{out} is inside the data, which are never changed", "choose another folder with --out")
    check_folder(out)


def _as_the_run(out: Path, recipe: Recipe) -> Recipe:
    """Return a run's own recipe where `out` is one, so that its own splits are examined."""
    if not RunFolder(out).record.exists():
        return recipe
    own = RunFolder.open(out).read().recipe
    if own.data.source != anchored(recipe).data.source:
        raise UsageError(f"{out} is a run on other images, {own.data.source}", "name those, or another folder with --out")
    return own


def _facts(listing: Listing, recipe: Recipe, cache: Path, *, fast: bool) -> DatasetFacts:
    inspected, rejected, features = _read(listing, cache, fast=fast)
    items = [item for item, facts in zip(listing.items, inspected, strict=True) if facts]
    usable = tuple(facts for facts in inspected if facts)
    if not items:
        raise DataError(f"{listing.source} has no image that can be used", ARE_READ)
    label_ids = listing.label_ids(items).astype(np.int64)
    splits = completed(
        [item.split for item in items],
        {item.split for item in listing.items},
        [facts.sha256 for facts in usable],
        label_ids,
        split_options(recipe),
    )
    return DatasetFacts(
        class_names=listing.class_names,
        names=tuple(item.name for item in items),
        label_ids=label_ids,
        splits=tuple(splits),
        images=usable,
        rejected=rejected,
        pairs=find_pairs(usable, features),
        features=features,
    )


def _read(
    listing: Listing, cache: Path, *, fast: bool
) -> tuple[Sequence[ImageFacts | None], tuple[Rejected, ...], NDArray[np.float32] | None]:
    """Inspect each listed file (None: no usable image); return also the rejected ones, and the features, which the cache keeps."""
    from edgetl.diagnosis import network

    contract = network.input_contract(listing.class_names)
    parts = network.BACKBONE, network.ALPHA, network.IMAGE_SIZE, network.WEIGHTS, decoders(item.name for item in listing.items)
    path = cache / f"doctor-{fingerprint(_VERSION, listing.stamp, *parts)}.npy"
    known = None if fast else read_array(path)
    compute = None if fast or known is not None else network.load(contract)
    inspected: list[ImageFacts | None] = []
    rejected, waiting, made = list(listing.rejected), [], []
    for item, outcome in zip(listing.items, images.stream(listing.items, partial(inspect_image, contract)), strict=True):
        inspected.append(outcome.facts)
        if outcome.pixels is None:
            rejected.append(Rejected(item.name, outcome.reason))
        elif compute:
            waiting.append(outcome.pixels)
            if len(waiting) == network.BATCH:
                made.append(compute(np.stack(waiting)))
                waiting.clear()
    if compute and waiting:
        made.append(compute(np.stack(waiting)))
    if made:
        known = np.concatenate(made)
        write_array(path, known)
    return inspected, tuple(rejected), known


def _notes(listing: Listing, data: DatasetFacts, *, fast: bool) -> list[str]:
    notes = []
    if "val" not in {item.split for item in listing.items}:
        notes.append("The source has no validation split: leaks are counted across the split that training makes of it.")
    if data.several:
        without, most = int((~data.shown.any(1)).sum()), int(data.shown.sum(1).max())
        notes.append(
            f"{without:,} of {counted(len(data.names), 'image')} have no label: they show none of the classes, and are learned from"
        )
        if most < 2:
            notes.append("no image shows several classes: with a label each, --task single-label tells them apart better")
    if all_alike(data):
        notes.append("many images are nearly the same as another one: if that is their nature, only exact copies matter")
    if fast:
        return [*notes, "--fast: wrong labels were not looked for, and most copies that were cropped are missed"]
    unjudged = sorted(set(range(len(data.class_names))) - set(judged_classes(data.label_ids).tolist()))
    if unjudged:
        notes.append(f"too few images to judge the labels of {', '.join(repr(data.class_names[label]) for label in unjudged)}")
    return notes


def _exclude_file(out: Path) -> Path:
    """Return the path for the list: exclude.txt, unless somebody has worked on the one that is there."""
    path, before = out / "exclude.txt", ""
    if not path.exists():
        return path
    with suppress(RunError):  # none, or of another version
        before = Diagnosis.read(out / NAME).exclude_sha256
    if before == sha256(path):
        return path
    logger.warning(f"{path} was changed by hand and is kept; the new list is beside it")
    return out / "exclude-new.txt"


def _exclude_text(source: str, found: Findings, sure: Container[str]) -> str:
    lines = [
        exclude_list.heading(source),
        "# Lines that begin with # are ignored: look at those images in doctor.html, and remove the # where you agree.",
    ]
    listed: set[str] = set()
    for check, findings in found.items():
        names = list(dict.fromkeys(name for one in findings for name in one.exclude + one.consider if name not in listed))
        listed.update(names)
        if names:
            lines += ["", f"# {check}: {CHECKS.summary(check)}"]
            lines += [exclude_list.line(name) if name in sure else f"#{exclude_list.line(name)}" for name in names]
    return "\n".join(lines) + "\n"
