"""What is taken for what, and how well each class is known: counts of answers [N] against labels [N]."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 10  # of equal width from 0 to 1


@dataclass(frozen=True)
class OfClass:
    """Fractions in 0..1; 0 where there is nothing to divide by, as in scikit-learn with zero_division=0."""

    pictures: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Bin:
    """The pictures whose top-1 probability falls into one of BINS: how many, their mean of it, and the share that is right."""

    pictures: int
    confidence: float
    accuracy: float


def confusion(answers: NDArray[Any], labels: NDArray[Any], classes: int) -> NDArray[np.int64]:
    """int64 [K, K]: rows are what a picture is, columns what it was called."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, answers), 1)
    return counts


def by_class(counts: NDArray[np.int64]) -> list[OfClass]:
    """Of a confusion matrix, in its order."""
    found = []
    for k, right in enumerate(np.diag(counts).tolist()):
        pictures, named = int(counts[k].sum()), int(counts[:, k].sum())
        f1 = 2 * right / (pictures + named) if pictures + named else 0.0
        found.append(OfClass(pictures, right / named if named else 0.0, right / pictures if pictures else 0.0, f1))
    return found


def reliability(probabilities: NDArray[Any], labels: NDArray[Any]) -> list[Bin]:
    """The bins that hold pictures, by rising probability."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    place = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    members = [place == number for number in range(BINS)]
    return [Bin(int(here.sum()), float(confidence[here].mean()), float(right[here].mean())) for here in members if here.any()]


def calibration_error(bins: list[Bin]) -> float:
    """The expected one: the mean gap between confidence and accuracy over all pictures, 0 (perfect) to 1."""
    pictures = sum(one.pictures for one in bins)
    return sum(one.pictures * abs(one.confidence - one.accuracy) for one in bins) / pictures
