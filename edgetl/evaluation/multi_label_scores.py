"""All scores of one model that may find several classes on an image, each with its 95 % interval."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgetl.evaluation.calibration import Bin
from edgetl.evaluation.multi_label import (
    average_precisions,
    checked,
    gaps_of_several,
    losses,
    mean_average_precision,
    micro_average_precision,
    reliability_of_several,
)
from edgetl.evaluation.resampling import Estimate, Weights, estimate, mirrored, proportion, resample

_FEW = 10  # images of a class; below, resampling the same few images says little of others
_LOSS, _CALIBRATION, _MAP, _MICRO_AP, _AP, _F1 = "loss", "calibration_error", "map", "micro_map", "average_precision", "f1"
_PRF = ("precision", "recall", _F1)


@dataclass(frozen=True)
class LabelScores:
    """Scores of one class at its threshold: images that show it, on which it is found, and on which both; None where undefined.

    `average_precision` is over all thresholds; fractions in 0..1.
    """

    class_name: str
    threshold: float
    images: int
    predicted: int
    right: int
    average_precision: Estimate | None
    precision: Estimate | None
    recall: Estimate | None
    f1: Estimate | None


@dataclass(frozen=True)
class LabelAverages:
    """Precision, recall and F1 of the decisions as fractions in 0..1."""

    precision: Estimate
    recall: Estimate
    f1: Estimate


@dataclass(frozen=True)
class MultiLabelScores:
    """Scores of one model: `loss` in nats (binary cross-entropy of an image's class), all others fractions in 0..1.

    `mean_average_precision` (mAP) averages the classes that some image shows, `micro_average_precision` takes all classes of all images
    together. `exact_match` is the share of images all of whose classes are found, and no other. `macro` averages over the classes that
    some image shows or on which some is found, an undefined value counting as 0; `micro` is of all decisions together.
    `calibration_error` and `reliability` are of all probabilities, an image counting once for each class. Intervals of exact match,
    and of precision and recall of a class, are Wilson's; the others are percentiles over resampled images, that of the calibration error
    mirrored at its value.
    """

    images: int
    mean_average_precision: Estimate
    micro_average_precision: Estimate
    exact_match: Estimate
    loss: Estimate
    macro: LabelAverages
    micro: LabelAverages
    calibration_error: Estimate
    reliability: tuple[Bin, ...]
    classes: tuple[LabelScores, ...]
    notes: tuple[str, ...]


def score_several(
    probabilities: NDArray[np.floating],
    label_ids: NDArray[np.integer],
    class_names: Sequence[str],
    thresholds: NDArray[np.float64],
    seed: int = 0,
) -> MultiLabelScores:
    """Return the scores of probabilities [N, K] for labels [N, K] of 0 and 1, N >= 1.

    Args:
        class_names: K names.
        thresholds: the probability from which on each class is found, [K].
        seed: for the resampling: the same seed gives the same intervals.
    """
    shown = np.asarray(label_ids) == 1
    probabilities = checked(probabilities, shown)
    if not np.isfinite(probabilities).all():
        raise ValueError("probabilities have NaN or infinity")
    decisions = probabilities >= thresholds
    found = _Found(_statistics(probabilities, decisions, shown), len(shown), seed)
    classes = _classes(class_names, thresholds, decisions, shown, found)
    exact = proportion(int((decisions == shown).all(axis=1).sum()), len(shown))
    assert exact is not None  # there are images
    return MultiLabelScores(
        images=len(shown),
        mean_average_precision=found.overall(_MAP),
        micro_average_precision=found.overall(_MICRO_AP),
        exact_match=exact,
        loss=found.overall(_LOSS),
        macro=LabelAverages(*(found.overall(f"macro_{name}") for name in _PRF)),
        micro=LabelAverages(*(found.overall(f"micro_{name}") for name in _PRF)),
        calibration_error=mirrored(found.overall(_CALIBRATION).value, found.resampled.overall[_CALIBRATION]),
        reliability=reliability_of_several(probabilities, shown),
        classes=classes,
        notes=tuple(_notes(classes)),
    )


class _Found:
    """Every metric with its interval over resampled images."""

    def __init__(self, statistics: Callable[[Weights], dict[str, Weights]], images: int, seed: int) -> None:
        self._values = statistics(np.ones((1, images)))
        self.resampled = resample(statistics, images, seed)

    def overall(self, name: str) -> Estimate:
        """Return a metric of all classes."""
        return estimate(float(self._values[name][0]), *self.resampled.overall[name])

    def one_class(self, name: str, k: int) -> Estimate:
        """Return a metric of a class."""
        return estimate(float(self._values[name][0, k]), *self.resampled.per_class[name][k])


def _classes(
    class_names: Sequence[str], thresholds: NDArray[np.float64], decisions: NDArray[np.bool_], shown: NDArray[np.bool_], found: _Found
) -> tuple[LabelScores, ...]:
    classes = []
    for k, name in enumerate(class_names):
        images, predicted = int(shown[:, k].sum()), int(decisions[:, k].sum())
        right = int((shown[:, k] & decisions[:, k]).sum())
        one = LabelScores(
            class_name=name,
            threshold=float(thresholds[k]),
            images=images,
            predicted=predicted,
            right=right,
            average_precision=found.one_class(_AP, k) if images else None,
            precision=proportion(right, predicted),
            recall=proportion(right, images),
            f1=found.one_class(_F1, k) if images + predicted else None,
        )
        classes.append(one)
    return tuple(classes)


def _statistics(
    probabilities: NDArray[np.float64], decisions: NDArray[np.bool_], shown: NDArray[np.bool_]
) -> Callable[[Weights], dict[str, Weights]]:
    """Return a function from weights float64 [B, N] to every metric: [B], or per class [B, K]."""
    areas, together = average_precisions(probabilities, shown), micro_average_precision(probabilities, shown)
    loss, spread = losses(probabilities, shown).mean(axis=1), gaps_of_several(probabilities, shown)
    labels, found, both = (one.astype(np.float64) for one in (shown, decisions, shown & decisions))

    def statistics(weights: Weights) -> dict[str, Weights]:
        of, predicted, right = weights @ labels, weights @ found, weights @ both
        count, occurs, per_class = weights.sum(axis=1), of + predicted > 0, areas(weights)
        one_class = _prf(of, predicted, right)
        macro = {f"macro_{name}": (one * occurs).sum(axis=1) / np.maximum(occurs.sum(axis=1), 1) for name, one in one_class.items()}
        micro = {f"micro_{name}": one for name, one in _prf(of.sum(axis=1), predicted.sum(axis=1), right.sum(axis=1)).items()}
        return {
            _MAP: mean_average_precision(per_class),
            _MICRO_AP: np.nan_to_num(together(weights)),
            _LOSS: weights @ loss / count,
            _CALIBRATION: np.abs(weights @ spread).sum(axis=1) / (count * shown.shape[1]),
            _AP: per_class,
            _F1: one_class[_F1],
            **macro,
            **micro,
        }

    return statistics


def _prf(of: Weights, predicted: Weights, right: Weights) -> dict[str, Weights]:
    """Return precision, recall and F1 of counts, 0 where there is nothing to divide by."""
    return {
        "precision": right / np.maximum(predicted, 1),
        "recall": right / np.maximum(of, 1),
        _F1: 2 * right / np.maximum(of + predicted, 1),
    }


def _notes(classes: Sequence[LabelScores]) -> Iterator[str]:
    absent = [f"'{one.class_name}'" for one in classes if not one.images]
    few = [f"'{one.class_name}' ({one.images})" for one in classes if 0 < one.images < _FEW]
    if absent:
        yield f"no image shows {', '.join(absent)}: average precision and recall are undefined there, and left out of mAP"
    if few:
        yield f"fewer than {_FEW} images show {', '.join(few)}: little is known about them; intervals of their metrics are too narrow"
