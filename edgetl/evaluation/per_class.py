"""The confusion matrix, and precision, recall and F1 of each class, from predictions [N] and labels [N]."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ClassMetrics:
    """Metrics of one class as fractions in 0..1; 0 where there is nothing to divide by, as in scikit-learn with zero_division=0."""

    images: int
    precision: float
    recall: float
    f1: float


def confusion(predictions: NDArray[np.integer], label_ids: NDArray[np.integer], classes: int) -> NDArray[np.int64]:
    """Return the confusion matrix as int64 [K, K]: a row for each true class, a column for each predicted class."""
    return np.bincount(label_ids * np.int64(classes) + predictions, minlength=classes**2).reshape(classes, classes)


def per_class_metrics(counts: NDArray[np.int64]) -> list[ClassMetrics]:
    """Return the metrics of each class of a confusion matrix [K, K], in its order."""
    images, predicted, right = counts.sum(axis=1).tolist(), counts.sum(axis=0).tolist(), np.diag(counts).tolist()
    return [_class_metrics(*column) for column in zip(images, predicted, right, strict=True)]


def decided_metrics(decisions: NDArray[np.bool_], shown: NDArray[np.bool_]) -> list[ClassMetrics]:
    """Return the metrics of each class of decisions [N, K], which may be none of an image, for images that show the classes bool [N, K]."""
    columns = zip(*((one.sum(axis=0).tolist()) for one in (shown, decisions, shown & decisions)), strict=True)
    return [_class_metrics(*column) for column in columns]


def _class_metrics(images: int, predicted: int, right: int) -> ClassMetrics:
    f1 = 2 * right / (images + predicted) if images + predicted else 0.0
    return ClassMetrics(images, right / predicted if predicted else 0.0, right / images if images else 0.0, f1)
