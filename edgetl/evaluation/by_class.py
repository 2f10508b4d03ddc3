"""What is taken for what, and how well each class is known: counts of predictions [N] against labels [N]."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix


@dataclass(frozen=True)
class OfClass:
    """Fractions in 0..1; 0 where there is nothing to divide by, as in scikit-learn with zero_division=0."""

    images: int
    precision: float
    recall: float
    f1: float


def confusion(predictions: NDArray[Any], labels: NDArray[Any], classes: int) -> NDArray[np.int64]:
    """int64 [K, K]: rows are what an image is, columns what it was called."""
    counts: NDArray[np.int64] = confusion_matrix(labels, predictions, labels=range(classes))
    return counts


def by_class(counts: NDArray[np.int64]) -> list[OfClass]:
    """Of a confusion matrix, in its order."""
    found = []
    for k, right in enumerate(np.diag(counts).tolist()):
        images, named = int(counts[k].sum()), int(counts[:, k].sum())
        f1 = 2 * right / (images + named) if images + named else 0.0
        found.append(OfClass(images, right / named if named else 0.0, right / images if images else 0.0, f1))
    return found
