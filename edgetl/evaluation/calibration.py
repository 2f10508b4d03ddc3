"""Does a probability of 0.8 mean right in 80 of 100 cases: how far a model is from that, and the one number that mends most of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BINS = 15  # of equal width, as Guo et al. 2017 (arXiv:1706.04599) count them


@dataclass(frozen=True)
class Bin:
    """The pictures whose top-1 probability is in low..high: their mean top-1 probability, and the share that is right."""

    low: float
    high: float
    pictures: int
    confidence: float
    accuracy: float


def gaps(probabilities: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.float64]:
    """float64 [N, bins]: each picture's top-1 probability less 1 (right) or 0 (wrong), in its bin's column; zeros elsewhere.

    The absolute column sums over N, added up, are the expected calibration error: also of resampled pictures.
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    spread = np.zeros((len(labels), _BINS))
    spread[np.arange(len(labels)), _bin_of(confidence)] = confidence - right
    return spread


def calibration_error(probabilities: NDArray[Any], labels: NDArray[Any]) -> float:
    """Expected calibration error of probabilities [N, K], 0 (perfect) to 1."""
    return float(np.abs(gaps(probabilities, labels).sum(axis=0)).sum() / len(labels))


def reliability(probabilities: NDArray[Any], labels: NDArray[Any]) -> tuple[Bin, ...]:
    """The bins that hold pictures, by rising probability."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    place = _bin_of(confidence)
    return tuple(
        Bin(b / _BINS, (b + 1) / _BINS, int(here.sum()), float(confidence[here].mean()), float(right[here].mean()))
        for b in range(_BINS)
        if (here := place == b).any()
    )


def _bin_of(confidence: NDArray[Any]) -> NDArray[np.int64]:
    return np.minimum((confidence * _BINS).astype(np.int64), _BINS - 1)
