"""The documents of rejection: unknown/unknown.json, how unknown images are predicted, and thresholds.json, how thresholds were chosen."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from edgetl.documents import Count, Document, Part, RelativePath, Share
from edgetl.evaluation.per_class import ClassMetrics
from edgetl.evaluation.rejection import KEEP, RejectionScores
from edgetl.evaluation.resampling import Estimate
from edgetl.overview import Overview
from edgetl.wording import counted, ends

NAME = "unknown.json"
_KEPT = f"{100 * KEEP:.0f} %"


class UnknownFolder(Part):
    """A folder of images that show none of the classes.

    Args:
        name: what tells it from the other folders; not where it lies.
        images: how many were read.
        own: of these, those that are among the run's own images.
        learned: those that the run has learned from as unknown ones.
    """

    name: str
    images: Annotated[int, Field(ge=1)]
    own: Count = 0
    learned: Count = 0

    def caveats(self) -> list[str]:
        """Return what is wrong with its figures, in sentences."""
        found = {"among the run's own images, which show its classes": self.own}
        found["among the background images that the run has learned from: the figures are better than for others"] = self.learned
        of = f"of {counted(self.images, 'image')} in {self.name}"
        return [f"{count:,} {of} {'is' if count == 1 else 'are'} {where}" for where, count in found.items() if count]


class UnknownImage(Part):
    """An unknown image with a high probability.

    Args:
        folder, image: the name of its folder, and its own in there.
        passes: whether it passes at the contract's thresholds, and is named; None: it has none, and every image is.
        file: its thumbnail, beside this document.
    """

    folder: str
    image: str
    class_name: str
    probability: Share
    passes: bool | None
    file: RelativePath


class Rejecting(Part):
    """How well models tell the images of each folder from those of the classes.

    Args:
        measured_on: the images of the classes, in words.
        models: by name, with the scores of each folder in their order.
    """

    COLUMNS: ClassVar = ("unknown images", "images", "model", "AUROC %", "pass %", f"pass % where {_KEPT} are kept")

    measured_on: str
    folders: tuple[UnknownFolder, ...]
    models: Annotated[dict[str, RejectionScores], Field(min_length=1)]

    def rows(self) -> list[list[str]]:
        """Return a row for each model and folder, and for the mean over several folders; figures are in percent, with their intervals."""
        rows = []
        for name, one in self.models.items():
            for folder, scores in zip(self.folders, one.folders, strict=True):
                figures = [percent(scores.auroc), percent(scores.passed), percent(scores.passed_at_keep)]
                rows.append([folder.name, f"{folder.images:,}", name, *figures])
            if one.mean and len(self.folders) > 1:
                means = (one.mean.auroc, one.mean.passed, one.mean.passed_at_keep)
                figures = ["-" if value is None else f"{100 * value:.1f} (mean)" for value in means]
                rows.append([f"all {len(self.folders)} folders", "", name, *figures])
        return rows

    def sentences(self) -> list[str]:
        """Return the rows as text."""
        return [f"{row[2]}, {row[0]}: AUROC {row[3]} %, {row[4]} % pass, {row[5]} % where {_KEPT} are kept" for row in self.rows()]

    def caveats(self) -> list[str]:
        """Return what is wrong with the figures of the folders, in sentences."""
        return [caveat for folder in self.folders for caveat in folder.caveats()]

    def notes(self) -> list[str]:
        """Return for each model what it keeps of the images of the classes, in a sentence."""
        return [self._kept(name, one) for name, one in self.models.items()]

    def _kept(self, name: str, one: RejectionScores) -> str:
        if one.kept is None:
            return f"{name}: no threshold is set, every image is named; a threshold of {one.keep_threshold:.3f} would keep {_KEPT}"
        right = f", and {percent(one.accuracy_of_kept)} % of these are right" if one.accuracy_of_kept else ""
        return f"{name} keeps {percent(one.kept)} % of {self.measured_on}{right}"


class Unknowns(Document):
    """The predictions of a run's models for images that show none of the classes.

    Args:
        files: identity of the thresholds and the model files that were measured.
        main: name of the model that the run is about.
        most_sure: the unknown images with its highest probabilities, the highest first.
    """

    REMEDY: ClassVar[str] = "make it again: edgetl evaluate RUN --unknown DIR"

    files: str
    main: str
    found: Rejecting
    most_sure: tuple[UnknownImage, ...]

    def overview(self) -> Overview:
        """Return a row for each model and folder."""
        return Overview(
            f"Unknown images against {self.found.measured_on}",
            self.found.COLUMNS,
            self.found.rows(),
            [*self.found.notes(), *self.found.caveats()],
        )


@dataclass(frozen=True)
class ClassThreshold:
    """A class's threshold, and its metrics on images that did not choose it: with the thresholds before, and with these."""

    class_name: str
    threshold: Share
    before: ClassMetrics
    after: ClassMetrics


class ThresholdChoice(Document):
    """The thresholds of the classes that a run's contract has, and how they were chosen.

    Args:
        target: what was asked for, such as best-f1.
        model: whose probabilities chose and measured.
        chosen_on, measured_on: the images that did, in words.
        made_for: identity of what its file was exported from.
    """

    REMEDY: ClassVar[str] = "make it again: edgetl evaluate RUN --choose-thresholds per-class"
    COLUMNS: ClassVar = ("class", "threshold", "precision %", "recall %", "F1 %")

    target: str
    model: str
    chosen_on: str
    measured_on: str
    made_for: str
    classes: tuple[ClassThreshold, ...]
    notes: tuple[str, ...]

    @property
    def per_class(self) -> tuple[float, ...]:
        """The thresholds, in the order of the classes."""
        return tuple(one.threshold for one in self.classes)

    def sentence(self) -> str:
        """Return what chose the thresholds and what measures them."""
        return f"The thresholds ({self.target}) were chosen for {self.model} on {self.chosen_on}. The figures are of {self.measured_on}."

    def rows(self) -> list[list[str]]:
        """Return a row for each class."""
        return [
            [
                one.class_name,
                f"{one.threshold:.3f}" if one.threshold else "-",
                _changed(one.before.precision, one.after.precision),
                _changed(one.before.recall, one.after.recall),
                _changed(one.before.f1, one.after.f1),
            ]
            for one in self.classes
        ]

    def overview(self) -> Overview:
        """Return a row for each class."""
        title = "Thresholds of the classes, with the metrics before and after"
        return Overview(title, self.COLUMNS, self.rows(), [self.sentence(), *self.notes])


def _changed(before: float, after: float) -> str:
    return f"{100 * before:.1f} \N{RIGHTWARDS ARROW} {100 * after:.1f}"


def percent(estimate: Estimate | None) -> str:
    """Return a share in percent with its interval; a dash where there is none."""
    if estimate is None:
        return "-"
    value = f"{100 * estimate.value:.1f}"
    return f"{value} ({' to '.join(ends(value, estimate.interval_95))})"
