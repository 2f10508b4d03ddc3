"""The proof that the files of a run give the same predictions: how closely each pair has to agree, and whether it does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from edgetl.accuracy import AnyAccuracy
from edgetl.documents import Share
from edgetl.evaluation.agreement import Agreement
from edgetl.evaluation.allowance import NONE, Near, allowed, near_ties, said, tops
from edgetl.evaluation.measures import Labels, Measures, Worst, measures_of
from edgetl.evaluation.statistics import Paired, paired
from edgetl.evaluation.steps import CURE
from edgetl.output import Output
from edgetl.wording import beside, counted

REFERENCE = "keras_float"  # the subject that all others are measured against


@dataclass(frozen=True)
class Decided:
    """The agreement of two subjects by the contract's thresholds, and what the second one loses where images may show several classes.

    Args:
        same: the share of the images of which both say the same; None: there are no thresholds.
        same_of_unknown: that share of the images of none of the classes, of which there are so many; None: there are none.
        map_drop_points: the first one's mAP minus the second one's, in points; None: an image has one class.
        label_points: what one label of one image is worth: less than that says nothing.
        decisions: number of decisions on classes where an image may show several.
        near: how many of the differences are near ties.
    """

    same: float | None = None
    same_of_unknown: float | None = None
    unknown_images: int = 0
    map_drop_points: float | None = None
    label_points: float = 0.0
    decisions: int = 0
    near: Near = NONE


UNDECIDED = Decided()


@dataclass(frozen=True)
class Tolerance:
    """How closely two subjects have to agree, and why not more closely.

    Args:
        first, second: names of subjects; a drop is the first one's accuracy less the second one's.
        min_top1_agreement: fraction of the images that get the same top-1; of several classes an image, of the decisions on each.
        max_mean_abs_dp: bound of Agreement.mean_abs_dp, a probability. It has no allowance for small sets: one image among twenty
            that goes from sure to sure of something else is a fault, a near tie that tips over is not, and this tells the two apart.
        max_drop_points: percentage points of top-1 accuracy, or of mAP.
        min_same_decisions: fraction of the images of which both say the same by the contract's thresholds; of the decisions on each class
            where an image may show several.
    """

    first: str
    second: str
    min_top1_agreement: float
    max_mean_abs_dp: float
    max_drop_points: float
    reason: str
    min_same_decisions: float = 0.0

    def failures(self, agreement: Agreement, compared: Paired, decided: Decided = UNDECIDED) -> tuple[str, ...]:
        """Describe what is out of tolerance; nothing when the pair passes."""
        pair, images, apart = f"{self.first} and {self.second}", agreement.images, agreement.mean_abs_dp
        several = decided.map_drop_points is not None
        differ, lost = self._several(agreement, decided) if several else self._one(agreement, compared, decided.near)
        found = [differ] if differ else []
        if apart > self.max_mean_abs_dp:
            mean = beside(apart, self.max_mean_abs_dp)
            found.append(f"{pair} differ by {mean} in probability on average, at most {self.max_mean_abs_dp:g} is allowed")
        found += [lost] if lost else []
        near = decided.near
        counts = (
            (decided.same, images, "image", near.decided),
            (decided.same_of_unknown, decided.unknown_images, "unknown image", near.decided_unknown),
        )
        for same, of, what, tied in () if several else counts:
            others, may_be = round((1 - (same or 0.0)) * of), allowed(1 - self.min_same_decisions, of, tied)
            if same is not None and others > may_be:
                all_of = f"{counted(of, what)}{said(tied)}"
                found.append(f"{pair} decide otherwise on {others} of {all_of} by the contract's thresholds, at most {may_be} may differ")
        return tuple(found)

    def _one(self, agreement: Agreement, compared: Paired, near: Near) -> tuple[str, str]:
        """Describe the images that get another class, and those that are right no more, where they are too many."""
        images, differ = agreement.images, agreement.disagreements
        of_all, may_differ = counted(images, "image"), allowed(1 - self.min_top1_agreement, images, near.named)
        lost, may_lose = compared.only_a - compared.only_b, allowed(self.max_drop_points / 100, images, near.lost)
        tied = f"; on {agreement.ties} of those both classes are tied: {CURE}" if 2 * agreement.ties > differ else ""
        chance = f", McNemar p {compared.mcnemar_p:.2f}: validate on more images" if compared.mcnemar_p > 0.05 else ""
        name = f"{self.first} and {self.second} name another class"
        fewer = f"{self.second} predicts {lost} of {of_all} fewer correctly than {self.first}"
        return (
            f"{name} on {differ} of {of_all}{said(near.named)}, at most {may_differ} may differ{tied}" if differ > may_differ else "",
            f"{fewer}, at most {may_lose} may be lost{chance}" if lost > may_lose else "",
        )

    def _several(self, agreement: Agreement, decided: Decided) -> tuple[str, str]:
        """Describe the decisions on classes that differ, and the mAP that is lost, where they are too many."""
        least, share = max(self.min_top1_agreement, self.min_same_decisions), agreement.label_agreement or 0.0
        lost, may_lose = decided.map_drop_points or 0.0, max(self.max_drop_points, decided.label_points)
        others, may_be = round((1 - share) * decided.decisions), allowed(1 - least, decided.decisions, decided.near.named)
        alike = f"{self.first} and {self.second} decide alike on {beside(100 * share, 100 * least, 4)} % of all classes of all images"
        fewer = f"{self.second} has {beside(lost, may_lose, 3)} points of mAP less than {self.first}"
        return (
            f"{alike}{said(decided.near.named)}, at least {100 * least:g} % are needed" if others > may_be else "",
            f"{fewer}, at most {may_lose:.3g} may be lost" if lost > may_lose else "",
        )


@dataclass(frozen=True)
class Subject:
    """One model's accuracy, and what is wrong with its predictions by themselves."""

    accuracy: AnyAccuracy
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Pair:
    """How two subjects agree, what was allowed, and the images on which they agree least.

    `same_decisions` is the share of the images of which both say the same, unknown included; None where the contract has no thresholds.
    `same_of_unknown` is that share of images that show none of the classes; None: the run has none. `map_drop_points` is the first one's
    mAP minus the second one's where images may show several classes, and `paired` then counts exact matches.
    """

    tolerance: Tolerance
    agreement: Agreement
    paired: Paired
    failures: tuple[str, ...]
    worst: tuple[Worst, ...]
    same_decisions: Share | None = None
    same_of_unknown: Share | None = None
    map_drop_points: float | None = None

    @property
    def drop_points(self) -> float:
        """The first one's figure minus the second one's, in percentage points of top-1 or mAP."""
        return self.paired.drop_points if self.map_drop_points is None else self.map_drop_points

    @property
    def passed(self) -> bool:
        return not self.failures


@dataclass(frozen=True)
class Parity:
    """The verdict over all subjects and pairs; `alone` names the files that no pair compares."""

    images: int
    subjects: Mapping[str, Subject]
    pairs: tuple[Pair, ...]
    alone: tuple[str, ...]

    @property
    def failures(self) -> tuple[str, ...]:
        """Return every reason for failing; nothing when the models agree."""
        alone = [f"{name} was compared with nothing" for name in self.alone]
        nothing = () if self.pairs else ("no two subjects that ought to agree are present",)
        faults = [f"{name} {fault}" for name, subject in self.subjects.items() for fault in subject.faults]
        return (*nothing, *alone, *faults, *(failure for pair in self.pairs for failure in pair.failures))

    @property
    def passed(self) -> bool:
        return not self.failures


@dataclass(frozen=True, eq=False)
class Labelled:
    """The images that subjects predict: class indices [N], or [N, K] of 0 and 1 where they may show several, and N names."""

    label_ids: Labels
    names: Sequence[str]

    def __post_init__(self) -> None:
        if len(self.label_ids) != len(self.names):
            raise ValueError(f"{len(self.names)} names for {len(self.label_ids)} labels")

    @classmethod
    def nameless(cls, label_ids: Labels) -> Self:
        """Return images without names."""
        return cls(label_ids, [""] * len(label_ids))


@dataclass(frozen=True, eq=False)
class Unknown:
    """The images that show none of the classes: a subject's name to its probabilities [M, K], all over the same M >= 1 images."""

    probabilities: Mapping[str, NDArray[np.floating]]

    @property
    def images(self) -> int:
        return len(next(iter(self.probabilities.values())))


def judge(
    subject_probabilities: Mapping[str, NDArray[np.floating]],
    labelled: Labelled,
    tolerances: Sequence[Tolerance],
    output: Output | None = None,
    unknown: Unknown | None = None,
) -> Parity:
    """Judge every pair of which both subjects are present.

    Args:
        subject_probabilities: a subject's name to its probabilities [N, K]; all over the same N >= 1 images.
        tolerances: the pairs that ought to agree, each file the second one of some pair.
        output: the contract's, for the task and the decisions by its thresholds; None: images have one class, and there are none.
        unknown: predictions of unknown images by the same subjects; None: there are none, or no thresholds that know them.
    """
    files, references = {t.second for t in tolerances}, {REFERENCE} | {t.first for t in tolerances}
    strangers = set(subject_probabilities) - files - references
    if strangers:
        raise ValueError(f"unknown subjects {sorted(strangers)}")
    # A subject with NaN or infinity has failed already; as zeros they let the other statistics still be computed and written as JSON.
    finite = {name: np.where(np.isfinite(p), p, 0.0) for name, p in subject_probabilities.items()}
    present = [t for t in tolerances if {t.first, t.second} <= set(finite)]
    compared = {name for t in present for name in (t.first, t.second)}
    measures = measures_of(output)
    judging = Judging(measures, finite, labelled, output, unknown)
    return Parity(
        images=len(labelled.names),
        subjects={
            name: Subject(measures.measure(p, labelled.label_ids), measures.faults(subject_probabilities[name], labelled.label_ids))
            for name, p in finite.items()
        },
        pairs=tuple(judging.pair(t) for t in present),
        alone=tuple(name for name in finite if name in files and name not in compared),
    )


@dataclass(frozen=True, eq=False)
class Judging:
    """Everything that pairs of subjects, probabilities [N, K] by name, are judged by; `output` is the contract's, None: there is none."""

    measures: Measures
    finite: Mapping[str, NDArray[np.floating]]
    labelled: Labelled
    output: Output | None
    unknown: Unknown | None = None

    def pair(self, tolerance: Tolerance) -> Pair:
        """Judge two subjects."""
        first, second, label_ids = self.finite[tolerance.first], self.finite[tolerance.second], self.labelled.label_ids
        measures, unknown = self.measures, self.unknown
        agreement = measures.compare(first, second)
        compared = paired(measures.right(first, label_ids), measures.right(second, label_ids))
        names = self.labelled.names
        worst = tuple(measures.worst(names[row], label_ids[row], first[row], second[row]) for row in agreement.worst)
        strangers = [unknown.probabilities.get(name) for name in (tolerance.first, tolerance.second)] if unknown else None
        decided = Decided(
            same=self._same(first, second),
            same_of_unknown=self._same(*strangers) if strangers else None,
            unknown_images=unknown.images if unknown else 0,
            map_drop_points=measures.map_drop_points(first, second, label_ids),
            label_points=measures.label_points(label_ids),
            decisions=first.size,
            near=self._near(tolerance, strangers),
        )
        failures = tolerance.failures(agreement, compared, decided)
        return Pair(tolerance, agreement, compared, failures, worst, decided.same, decided.same_of_unknown, decided.map_drop_points)

    def _near(self, tolerance: Tolerance, strangers: Sequence[NDArray[np.floating] | None] | None) -> Near:
        """Count the near ties among the differences of two subjects."""
        first, second, within = self.finite[tolerance.first], self.finite[tolerance.second], tolerance.max_mean_abs_dp
        present = self.output.present if self.output and self.output.decides else tops
        if self.output and self.output.several:
            moved = np.abs(first.astype(np.float64) - second) <= within
            return Near(named=int((moved & (present(first) != present(second))).sum()))
        named = near_ties(first, second, tops, within)
        lost = self.measures.right(first, self.labelled.label_ids) & ~self.measures.right(second, self.labelled.label_ids)
        of_first, of_second = strangers or (None, None)
        of_unknown = 0
        if of_first is not None and of_second is not None:
            of_unknown = int(near_ties(of_first, of_second, present, within).sum())
        return Near(
            named=int(named.sum()),
            lost=int((named & lost).sum()),
            decided=int(near_ties(first, second, present, within).sum()),
            decided_unknown=of_unknown,
        )

    def _same(self, first: NDArray[np.floating] | None, second: NDArray[np.floating] | None) -> float | None:
        """Return the share of the images that both decide alike; None: no thresholds decide, or one has not seen them."""
        if self.output is None or not self.output.decides or first is None or second is None:
            return None
        return float((self.output.present(first) == self.output.present(second)).all(axis=1).mean())
