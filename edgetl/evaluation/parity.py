"""The proof that the files of a run give the same predictions: how closely each pair has to agree, and whether it does."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgetl.documents import Share
from edgetl.evaluation.agreement import Agreement, compare
from edgetl.evaluation.metrics import Accuracy, measure
from edgetl.evaluation.statistics import Paired, paired
from edgetl.evaluation.steps import CURE, in_steps
from edgetl.output import PROBABILITY_SCALE, Output, grain
from edgetl.wording import beside, counted

REFERENCE = "keras_float"  # the subject that all others are measured against


@dataclass(frozen=True)
class Tolerance:
    """How closely two subjects have to agree, and why not more closely.

    Args:
        first, second: names of subjects; a drop is the first one's accuracy less the second one's.
        min_top1_agreement: fraction of the images that get the same top-1.
        max_mean_abs_dp: bound of Agreement.mean_abs_dp, a probability. It has no allowance for small sets: one image among twenty
            that goes from sure to sure of something else is a fault, a near tie that tips over is not, and this tells the two apart.
        max_drop_points: percentage points of top-1 accuracy.
        min_same_decisions: fraction of the images of which both say the same by the contract's thresholds.
    """

    first: str
    second: str
    min_top1_agreement: float
    max_mean_abs_dp: float
    max_drop_points: float
    reason: str
    min_same_decisions: float = 0.0

    def failures(self, agreement: Agreement, compared: Paired, same_decisions: float | None = None) -> tuple[str, ...]:
        """Describe what is out of tolerance; nothing when the pair passes. `same_decisions` is None where there are no thresholds."""
        pair, images, apart = f"{self.first} and {self.second}", agreement.images, agreement.mean_abs_dp
        of_all = counted(images, "image")
        may_differ = _allowed(1 - self.min_top1_agreement, images)
        lost, may_lose = compared.only_a - compared.only_b, _allowed(self.max_drop_points / 100, images)
        differ = agreement.disagreements
        tied = f"; on {agreement.ties} of those both classes are tied: {CURE}" if 2 * agreement.ties > differ else ""
        found = []
        if differ > may_differ:
            found.append(f"{pair} name another class on {differ} of {of_all}, at most {may_differ} may differ{tied}")
        if apart > self.max_mean_abs_dp:
            mean = beside(apart, self.max_mean_abs_dp)
            found.append(f"{pair} differ by {mean} in probability on average, at most {self.max_mean_abs_dp:g} is allowed")
        if lost > may_lose:
            chance = f", McNemar p {compared.mcnemar_p:.2f}: validate on more images" if compared.mcnemar_p > 0.05 else ""
            found.append(
                f"{self.second} predicts {lost} of {of_all} fewer correctly than {self.first}, at most {may_lose} may be lost{chance}"
            )
        decided, may_be = round((1 - (same_decisions or 0.0)) * images), _allowed(1 - self.min_same_decisions, images)
        if same_decisions is not None and decided > may_be:
            found.append(f"{pair} decide otherwise on {decided} of {of_all} by the contract's thresholds, at most {may_be} may differ")
        return tuple(found)


# Outputs that move by less than two steps (see `grain`) over a whole set are rounding noise around a constant.
_CONSTANT_SPREAD = 2
# Quantization alone moves an image's probability by some seven steps (0.027 on average, measured). A model that names one class for
# everything and moves by no more has not told the images apart either, and its agreement with another such model shows nothing.
_ONE_CLASS_SPREAD = 8
_SUM_ERROR = 0.01  # of a row of probabilities, for softmax tables
_LARGEST_STEPS_ERROR = 0.5  # beyond, most of what a model predicts has been rounded away, however many classes share the rest


@dataclass(frozen=True)
class Subject:
    """One model's accuracy, and what is wrong with its predictions by themselves."""

    accuracy: Accuracy
    faults: tuple[str, ...]


@dataclass(frozen=True)
class WorstImage:
    """One image on which two subjects are far apart; the label and the top-1s are class indices."""

    name: str
    label_id: int
    first_top1: int
    first_probability: float
    second_top1: int
    second_probability: float


@dataclass(frozen=True)
class Pair:
    """How two subjects agree, what was allowed, and the images on which they agree least.

    `same_decisions` is the share of the images of which both say the same, unknown included; None where the contract has no thresholds.
    """

    tolerance: Tolerance
    agreement: Agreement
    paired: Paired
    failures: tuple[str, ...]
    worst: tuple[WorstImage, ...]
    same_decisions: Share | None = None

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


def judge(
    subject_probabilities: Mapping[str, NDArray[np.floating]],
    labels: NDArray[np.integer],
    names: Sequence[str],
    tolerances: Sequence[Tolerance],
    output: Output | None = None,
) -> Parity:
    """Judge every pair of which both subjects are present.

    Args:
        subject_probabilities: a subject's name to its probabilities [N, K]; all over the same N >= 1 images.
        labels: class indices [N].
        names: of the images, N of them.
        tolerances: the pairs that ought to agree, each file the second one of some pair.
        output: the contract's, for the decisions by its thresholds; None: there are none.
    """
    files, references = {t.second for t in tolerances}, {REFERENCE} | {t.first for t in tolerances}
    unknown = set(subject_probabilities) - files - references
    if unknown or len(names) != len(labels):
        raise ValueError(f"unknown subjects {sorted(unknown)}" if unknown else f"{len(names)} names for {len(labels)} labels")
    labels = np.asarray(labels, np.int64)
    # A subject with NaN or infinity has failed already; as zeros they let the other statistics still be computed and written as JSON.
    finite = {name: np.where(np.isfinite(p), p, 0.0) for name, p in subject_probabilities.items()}
    present = [t for t in tolerances if {t.first, t.second} <= set(finite)]
    compared = {name for t in present for name in (t.first, t.second)}
    decisions = {name: output.present(p) for name, p in finite.items()} if output and output.decides else {}
    complete = not (output and output.rejection and output.rejection.inside_the_model)
    faults = {name: _faults(p, labels, sum_is_one=complete) for name, p in subject_probabilities.items()}
    return Parity(
        images=len(labels),
        subjects={name: Subject(measure(p, labels), faults[name]) for name, p in finite.items()},
        pairs=tuple(_pair(t, finite, labels, names, decisions) for t in present),
        alone=tuple(name for name in finite if name in files and name not in compared),
    )


def _allowed(fraction: float, images: int) -> int:
    """Return how many images a fraction allows; never less than one, since one image of a small set proves nothing."""
    return max(1, math.floor(fraction * images + 1e-9))  # the addend: 0.1 * 10 must not come out as 0.999...


def _pair(
    tolerance: Tolerance,
    finite: Mapping[str, NDArray[np.floating]],
    labels: NDArray[np.integer],
    names: Sequence[str],
    decisions: Mapping[str, NDArray[np.bool_]],
) -> Pair:
    first, second = finite[tolerance.first], finite[tolerance.second]
    agreement = compare(first, second)
    compared = paired(first.argmax(axis=1) == labels, second.argmax(axis=1) == labels)
    worst = tuple(_image(names[row], int(labels[row]), first[row], second[row]) for row in agreement.worst)
    same = float((decisions[tolerance.first] == decisions[tolerance.second]).all(axis=1).mean()) if decisions else None
    return Pair(tolerance, agreement, compared, tolerance.failures(agreement, compared, same), worst, same)


def _image(name: str, label: int, first: NDArray[np.floating], second: NDArray[np.floating]) -> WorstImage:
    return WorstImage(name, label, int(first.argmax()), float(first.max()), int(second.argmax()), float(second.max()))


def _faults(probabilities: NDArray[np.floating], labels: NDArray[np.integer], *, sum_is_one: bool) -> tuple[str, ...]:
    """Return what is wrong with one subject's predictions [N, K], whatever the others say; in words that follow its name."""
    images = counted(len(labels), "image")
    broken = int((~np.isfinite(probabilities)).any(axis=1).sum())
    if broken:
        return (f"gives NaN or infinity for {broken} of {images}",)
    zeros = int((probabilities.max(axis=1) == 0).sum())
    if zeros and sum_is_one:
        return (f"gives 0 for every class of {zeros} of {images}" + (f": {CURE}" if in_steps(probabilities) else ""),)
    if not are_probabilities(probabilities, sum_is_one=sum_is_one):
        return (f"gives values that are not probabilities (0..1, with sum {'1' if sum_is_one else 'at most 1'})",)
    spread = float((probabilities.max(axis=0) - probabilities.min(axis=0)).max()) / grain(probabilities.shape[1])
    one_class = len(set(probabilities.argmax(axis=1).tolist())) == 1 and len(set(labels.tolist())) > 1
    if spread < (_ONE_CLASS_SPREAD if one_class else _CONSTANT_SPREAD):
        return (f"gives the same prediction for all of {images} (moved by {spread:.2g} steps): its agreement shows nothing",)
    return ()


def are_probabilities(probabilities: NDArray[np.floating], *, sum_is_one: bool = True) -> bool:
    """Return whether all rows of [N, K] are probabilities: 0 to 1, with sum 1, or at most 1 where the model rejects unknown images.

    In steps of 1/256 each of the K may be half a step off, and their sum as many times that, but never so far that most of it is lost.
    """
    rounding = probabilities.shape[1] * PROBABILITY_SCALE / 2 if in_steps(probabilities) else 0.0
    within = probabilities.min() >= 0 and probabilities.max() <= 1 + 1e-4
    beyond = probabilities.sum(axis=1) - 1
    allowed = min(rounding, _LARGEST_STEPS_ERROR) + _SUM_ERROR
    return bool(within and (np.abs(beyond) if sum_is_one else beyond).max() <= allowed)
