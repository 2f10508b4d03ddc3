"""How well known images are told from those that show none of the classes: by their highest probability, from scores [N] and [M]."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgetl.evaluation.resampling import Estimate, proportion
from edgetl.output import PROBABILITY_SCALE

KEEP = 0.95  # the share of known images at which rejections are compared, as is usual: "FPR at 95 % TPR"
_POINTS = 41  # of a curve as it is written: a hundredth of its width is not to be seen
_Z = 1.96  # of a 95 % interval

# Halfway between two of the steps that int8 models give: every engine and every language then decides alike.
GRID: NDArray[np.float64] = np.concatenate([[0.0], (np.arange(256) + 0.5) * PROBABILITY_SCALE])

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class CoveragePoint:
    """The share of known images that a threshold keeps, and the share of these that is right."""

    threshold: float
    coverage: float
    accuracy: float


@dataclass(frozen=True)
class UnknownScores:
    """Figures of a folder of unknown images.

    Args:
        auroc: how often a known image has the higher score of the two, ties counting half.
        passed: the share that passes at the contract's thresholds; None: it has none, and every image passes.
        passed_at_keep: the share that passes at the threshold that keeps 95 % of the known images.
    """

    auroc: Estimate
    passed: Estimate | None
    passed_at_keep: Estimate


@dataclass(frozen=True)
class MeanScores:
    """The mean of each figure over the folders, each folder counting once."""

    auroc: float
    passed: float | None
    passed_at_keep: float


@dataclass(frozen=True)
class RejectionScores:
    """How well a model rejects.

    Args:
        kept: the share of known images that passes at the contract's thresholds; None: it has none, and every image passes.
        accuracy_of_kept: of these images; None: none is kept.
        keep_threshold: the highest one that keeps 95 % of the known images, halfway between two steps of 1/256.
        coverage: accuracy of what is kept as the threshold rises, from all images on.
        folders: of unknown images, in the order in which they were named.
        mean: over the folders; None: there is none.
    """

    kept: Estimate | None
    accuracy_of_kept: Estimate | None
    keep_threshold: float
    coverage: tuple[CoveragePoint, ...]
    folders: tuple[UnknownScores, ...]
    mean: MeanScores | None


@dataclass(frozen=True, eq=False)
class Scored:
    """Images as a model sees them: their highest probabilities float [N], and which of them pass, bool [N]; None: no threshold is set."""

    scores: Floats
    passed: NDArray[np.bool_] | None


def rejection(known: Scored, right: NDArray[np.bool_], unknown: Sequence[Scored]) -> RejectionScores:
    """Score the rejection of one model.

    Args:
        known: images of the classes, one or more.
        right: bool [N], whether the most probable class of each is its own.
        unknown: folder by folder, with one image or more each.
    """
    threshold = threshold_keeping(known.scores, KEEP)
    folders = tuple(
        UnknownScores(auroc(known.scores, one.scores), _share(one.passed), _certain(one.scores >= threshold)) for one in unknown
    )
    return RejectionScores(
        kept=_share(known.passed),
        accuracy_of_kept=None if known.passed is None else _share(right[known.passed]),
        keep_threshold=threshold,
        coverage=tuple(coverage(known.scores, right)),
        folders=folders,
        mean=_mean(folders) if folders else None,
    )


def auroc(known: Floats, unknown: Floats) -> Estimate:
    """Return how often one of the scores [N] is above one of the scores [M], ties counting half, N and M >= 1.

    The interval is Newcombe's (2006, doi:10.1002/sim.2324, his method 5), which holds also where the two do not overlap.
    """
    count, others = len(known), len(unknown)
    ordered = np.sort(np.asarray(unknown, np.float64))
    scores = np.asarray(known, np.float64)
    below, not_above = (np.searchsorted(ordered, scores, side) for side in ("left", "right"))
    value = float((below + not_above).sum() / (2 * count * others))
    wide = (count + others) / 2 - 1

    def inside(area: float) -> bool:
        spread = area * (1 - area) * (1 + wide * (1 - area) / (2 - area) + wide * area / (1 + area)) / (count * others)
        return abs(area - value) <= _Z * math.sqrt(spread)

    return Estimate(value, (_end(value, 0.0, inside), _end(value, 1.0, inside)))


def threshold_keeping(known: Floats, share: float) -> float:
    """Return the highest threshold of `GRID` that keeps at least that share of the known images with these scores [N]."""
    kept = (np.asarray(known, np.float64)[:, None] >= GRID).mean(axis=0)
    return float(GRID[kept >= share][-1])  # the first, 0, keeps all


def coverage(scores: Floats, right: NDArray[np.bool_]) -> list[CoveragePoint]:
    """Return the accuracy of the kept by the share that is kept, from all images to the surest, at most `_POINTS` of them.

    Args:
        scores: highest probabilities [N] of known images.
        right: bool [N].
    """
    order = np.argsort(-np.asarray(scores, np.float64), kind="stable")
    falling, rights = np.asarray(scores, np.float64)[order], np.cumsum(right[order])
    lasts = np.flatnonzero(np.append(np.diff(falling) != 0, True))[::-1]  # a threshold keeps all images of the same score
    if len(lasts) > _POINTS:
        wanted = np.linspace(lasts[0], lasts[-1], _POINTS)
        lasts = lasts[np.unique(np.searchsorted(-lasts, -wanted))]
    return [CoveragePoint(float(falling[last]), (int(last) + 1) / len(falling), float(rights[last] / (last + 1))) for last in lasts]


def _end(value: float, limit: float, inside: Callable[[float], bool]) -> float:
    """Return the end of an interval towards a limit, by halving."""
    near, far = value, limit
    for _ in range(50):
        middle = (near + far) / 2
        near, far = (middle, far) if inside(middle) else (near, middle)
    return near


def _share(passed: NDArray[np.bool_] | None) -> Estimate | None:
    return None if passed is None else proportion(int(passed.sum()), len(passed))


def _certain(passed: NDArray[np.bool_]) -> Estimate:
    found = _share(passed)
    assert found is not None  # there are images
    return found


def _mean(folders: Sequence[UnknownScores]) -> MeanScores:
    passed = [one.passed.value for one in folders if one.passed]
    return MeanScores(
        auroc=float(np.mean([one.auroc.value for one in folders])),
        passed=float(np.mean(passed)) if passed else None,
        passed_at_keep=float(np.mean([one.passed_at_keep.value for one in folders])),
    )
