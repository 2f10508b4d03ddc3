"""Metrics of predictions of several labels an image, from probabilities float [N, K], decisions bool [N, K] and labels bool [N, K]."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgetl.accuracy import MultiLabelAccuracy
from edgetl.evaluation.agreement import Agreement, apart
from edgetl.evaluation.calibration import BINS, Bin, binned_gaps, bins_of
from edgetl.evaluation.resampling import Weights, proportion, resample
from edgetl.output import PROBABILITY_SCALE

_FLOOR = PROBABILITY_SCALE / 2  # half a step, see `metrics.probability_floor`: sigmoids share nothing, however many classes there are
_MAP = "map"
_TIMES = 400  # resampled images of the interval of one figure: good to a fifth of its width, and quick enough wherever models are measured

Floats = NDArray[np.floating]
Booleans = NDArray[np.bool_]


def measure_several(probabilities: Floats, decisions: Booleans, shown: Booleans) -> MultiLabelAccuracy:
    """Return the accuracy of predictions for N >= 1 images."""
    probabilities = checked(probabilities, shown)
    exact = proportion(int((decisions == shown).all(axis=1).sum()), len(shown))
    assert exact is not None  # there are images
    areas = average_precisions(probabilities, shown)
    low, high = resample(lambda weights: {_MAP: mean_average_precision(areas(weights))}, len(shown), 0, _TIMES).overall[_MAP]
    value = _counting_once(areas, len(shown))
    hits, either = (decisions & shown).sum(axis=0), decisions.sum(axis=0) + shown.sum(axis=0)
    per_class = 2 * hits[either > 0] / either[either > 0]
    return MultiLabelAccuracy(
        images=len(shown),
        mean_average_precision=value,
        map_interval_95=(min(low, value), max(high, value)),
        exact_match=exact.value,
        exact_match_interval_95=exact.interval_95,
        macro_f1=float(per_class.mean()) if len(per_class) else 0.0,
        micro_f1=float(2 * hits.sum() / max(either.sum(), 1)),
        loss=float(losses(probabilities, shown).mean()),
    )


def checked(probabilities: Floats, shown: Booleans) -> NDArray[np.float64]:
    """Return the probabilities as float64. Raises ValueError unless both are [N, K] with N >= 1."""
    if probabilities.ndim != 2 or probabilities.shape != shown.shape or not len(shown):
        raise ValueError(f"probabilities {probabilities.shape} and labels {shown.shape} are not both [N, K]")
    return np.asarray(probabilities, np.float64)


def average_precisions(probabilities: Floats, shown: Booleans) -> Callable[[Weights], Weights]:
    """Return a function from weights [B, N] (how often each image counts) to the average precision of each class, float64 [B, K].

    It is scikit-learn's: over the thresholds, precision weighted with the growth of recall, equal probabilities being one threshold. It is
    NaN for a class that no image shows.
    """
    areas = [_area(probabilities[:, k], shown[:, k]) for k in range(probabilities.shape[1])]
    return lambda weights: np.stack([area(weights) for area in areas], axis=1)


def micro_average_precision(probabilities: Floats, shown: Booleans) -> Callable[[Weights], Weights]:
    """Return a function from weights [B, N] to the average precision [B] of all classes of all images taken together."""
    area, classes = _area(probabilities.ravel(), shown.ravel()), probabilities.shape[1]
    return lambda weights: area(np.repeat(weights, classes, axis=1))


def mean_average_precision(per_class: Weights) -> Weights:
    """Return mAP float64 [B]: the mean over the classes that have an average precision, [B, K]; 0 where none has one."""
    known = ~np.isnan(per_class)
    mean: Weights = np.where(known, per_class, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return mean


def map_of(probabilities: Floats, shown: Booleans) -> float:
    """Return mAP alone."""
    return _counting_once(average_precisions(np.asarray(probabilities, np.float64), shown), len(shown))


def _counting_once(areas: Callable[[Weights], Weights], images: int) -> float:
    """Return mAP of images that count once each."""
    return float(mean_average_precision(areas(np.ones((1, images))))[0])


def losses(probabilities: Floats, shown: Booleans) -> NDArray[np.float64]:
    """Return the binary cross-entropy of each class of each image in nats, float64 [N, K], floored as `probability_floor` says."""
    right = np.where(shown, probabilities, 1.0 - probabilities)
    found: NDArray[np.float64] = -np.log(np.clip(right, _FLOOR, 1.0))
    return found


def agreement_of_several(a: Floats, b: Floats, decisions: tuple[Booleans, Booleans]) -> Agreement:
    """Return the agreement of two models' probabilities, both [N, K], and of what each decides.

    KL is that of the classes taken as independent: the sum over them. First of the worst images are those that are decided otherwise.
    """
    steps = apart(a, b)
    alike = decisions[0] == decisions[1]
    same = alike.all(axis=1)
    p, q = (np.clip(np.asarray(one, np.float64), _FLOOR, 1 - _FLOOR) for one in (a, b))
    kl = (p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))).sum(axis=1)
    return steps.agreement(same, float(kl.mean()), label_agreement=float(alike.mean()))


def gaps_of_several(probabilities: Floats, shown: Booleans) -> NDArray[np.float64]:
    """Return float64 [N, bins]: the sum over an image's classes of the probability minus 1 (shown) or 0, in the bin of that probability.

    The absolute column sums over N, added up and divided by N * K, are the expected calibration error of all decisions.
    """
    classes = probabilities.shape[1]
    each = binned_gaps(probabilities.ravel(), shown.ravel())
    found: NDArray[np.float64] = each.reshape(len(shown), classes, -1).sum(axis=1)
    return found


def calibration_error_of_several(probabilities: Floats, shown: Booleans) -> float:
    """Return the expected calibration error of the probabilities of all classes of all images, from 0 (perfect) to 1."""
    return float(np.abs(gaps_of_several(probabilities, shown).sum(axis=0)).sum() / shown.size)


def reliability_of_several(probabilities: Floats, shown: Booleans, bins: int = BINS) -> tuple[Bin, ...]:
    """Return the bins that hold probabilities, by increasing probability; an image counts once for each class."""
    return bins_of(probabilities.ravel(), shown.ravel(), bins)


def _area(scores: Floats, positive: Booleans) -> Callable[[Weights], Weights]:
    """Return a function from weights [B, M] to the average precision [B] of scores [M]."""
    order = np.argsort(-np.asarray(scores), kind="stable")
    starts, positive = np.flatnonzero(np.diff(scores[order], prepend=np.inf)), positive[order]

    def area(weights: Weights) -> Weights:
        weights = weights[:, order]
        yes = np.add.reduceat(weights * positive, starts, axis=1)
        precision = np.cumsum(yes, axis=1) / np.maximum(np.cumsum(np.add.reduceat(weights, starts, axis=1), axis=1), 1)
        with np.errstate(invalid="ignore"):  # 0 / 0 is NaN, which is meant
            return np.asarray((yes * precision).sum(axis=1) / yes.sum(axis=1))

    return area
