"""Calibration: whether 80 of 100 predictions made with probability 0.8 are right, and the temperature that corrects most of the error."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15  # of equal width, as Guo et al. 2017 (arXiv:1706.04599) count them
_FEWEST_BINS, _IMAGES_A_BIN = 5, 100  # of a diagram
_COLDEST, _HOTTEST = 0.25, 4.0  # beyond, the temperature is not the problem: a set without a mistake would ask for 0
_PARTS = 5


@dataclass(frozen=True)
class Bin:
    """One bar of a reliability diagram: images with a top-1 probability in low..high, the mean of it, and the fraction that is right."""

    low: float
    high: float
    images: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Temperature:
    """The temperature by which to divide the logits for the smallest loss (Guo et al. 2017), and its effect.

    Errors are expected calibration errors, losses are in nats. The values "after" are cross-validated: each fifth of the images is judged
    with a temperature fitted to the other four.
    """

    temperature: float
    images: int
    calibration_error_before: float
    calibration_error_after: float
    loss_before: float
    loss_after: float


def find_temperature(logits: NDArray[np.floating], label_ids: NDArray[np.integer], seed: int = 0) -> Temperature:
    """Find the temperature for logits [N, K] and labels [N], N >= 2."""
    from scipy.special import softmax  # here, so that a report does not load what it does not need

    logits, label_ids = np.asarray(logits, np.float64), np.asarray(label_ids, np.int64)
    part_of = np.random.default_rng(seed).permutation(len(label_ids)) % min(_PARTS, len(label_ids))
    cooled = np.empty_like(logits)
    for part in np.unique(part_of):
        out = part_of == part
        cooled[out] = logits[out] / _least_loss(logits[~out], label_ids[~out])
    before, after = softmax(logits, axis=1), softmax(cooled, axis=1)
    return Temperature(
        temperature=_least_loss(logits, label_ids),
        images=len(label_ids),
        calibration_error_before=calibration_error(before, label_ids),
        calibration_error_after=calibration_error(after, label_ids),
        loss_before=_loss(logits, label_ids),
        loss_after=_loss(cooled, label_ids),
    )


def _least_loss(logits: NDArray[np.floating], label_ids: NDArray[np.integer]) -> float:
    """Return the best temperature. The search is logarithmic, where half and double are equally far."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda log_t: _loss(logits / np.exp(log_t), label_ids),
        bounds=np.log([_COLDEST, _HOTTEST]),
        method="bounded",
        options={"xatol": 1e-4},
    )
    return float(np.exp(found.x))


def _loss(logits: NDArray[np.floating], label_ids: NDArray[np.integer]) -> float:
    from scipy.special import log_softmax

    return float(-log_softmax(logits, axis=1)[np.arange(len(label_ids)), label_ids].mean())


def gaps(probabilities: NDArray[np.floating], label_ids: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return float64 [N, bins]: each image's top-1 probability minus 1 (right) or 0 (wrong) in its bin's column, zeros elsewhere.

    The absolute column sums over N, added up, are the expected calibration error, also for resampled images.
    """
    return binned_gaps(probabilities.max(axis=1), probabilities.argmax(axis=1) == label_ids)


def binned_gaps(confidence: NDArray[np.floating], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return float64 [N, bins]: each probability [N] minus 1 (right) or 0 (wrong) in its bin's column, zeros elsewhere."""
    spread = np.zeros((len(right), BINS))
    spread[np.arange(len(right)), _bin_of(confidence)] = confidence - right
    return spread


def calibration_error(probabilities: NDArray[np.floating], label_ids: NDArray[np.integer]) -> float:
    """Return the expected calibration error of probabilities [N, K], from 0 (perfect) to 1."""
    return float(np.abs(gaps(probabilities, label_ids).sum(axis=0)).sum() / len(label_ids))


def reliability(probabilities: NDArray[np.floating], label_ids: NDArray[np.integer], bins: int = BINS) -> tuple[Bin, ...]:
    """Return those of the bins of equal width that hold images, by increasing probability."""
    return bins_of(probabilities.max(axis=1), probabilities.argmax(axis=1) == label_ids, bins)


def bins_for(images: int) -> int:
    """Return how many bins so many images can fill: about 100 a bin, since of fewer an accuracy says little."""
    return min(max(images // _IMAGES_A_BIN, _FEWEST_BINS), BINS)


def bins_of(confidence: NDArray[np.floating], right: NDArray[np.bool_], bins: int = BINS) -> tuple[Bin, ...]:
    """Return the bins that hold some of the probabilities [N], each of which was right or not, bool [N]."""
    place = _bin_of(confidence, bins)
    return tuple(
        Bin(b / bins, (b + 1) / bins, int(here.sum()), float(confidence[here].mean()), float(right[here].mean()))
        for b in range(bins)
        if (here := place == b).any()
    )


def _bin_of(confidence: NDArray[np.floating], bins: int = BINS) -> NDArray[np.int64]:
    return np.minimum((confidence * bins).astype(np.int64), bins - 1)
