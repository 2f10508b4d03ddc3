"""Accuracy, macro F1 and loss of a model from its probabilities [N, K] and the labels: [N], or [N, K] where images have several."""

import numpy as np
from numpy.typing import NDArray

from edgetl.accuracy import Accuracy
from edgetl.evaluation.resampling import wilson
from edgetl.output import grain


def probability_floor(classes: int) -> float:
    """Return half a step: what an int8 model means when it rounds to 0.

    Floored alike, float and int8 models compare fairly, and no image costs an infinite loss.
    """
    return grain(classes) / 2


def measure(probabilities: NDArray[np.floating], label_ids: NDArray[np.integer]) -> Accuracy:
    """Return the accuracy of probabilities [N, K] for labels [N] in 0..K-1, N >= 1.

    Among equal probabilities (many in a uint8 output) the lower class comes first, as in every app's argmax. Macro F1 averages over the
    classes that occur among labels or predictions; top-5 is top-K when K < 5.
    """
    from sklearn.metrics import f1_score  # here, so that reading a document with an Accuracy does not load it

    probabilities, label_ids = np.asarray(probabilities, np.float64), np.asarray(label_ids, np.int64)
    if probabilities.ndim != 2 or label_ids.shape != probabilities.shape[:1] or not len(label_ids):
        raise ValueError(f"probabilities {probabilities.shape} and labels {label_ids.shape} are not [N, K] and [N]")
    if label_ids.min() < 0 or label_ids.max() >= probabilities.shape[1]:
        raise ValueError(f"labels {label_ids.min()}..{label_ids.max()} are not within the {probabilities.shape[1]} classes")
    ranked = np.argsort(-probabilities, axis=1, kind="stable")
    right = ranked[:, 0] == label_ids
    of_label = np.maximum(probabilities[np.arange(len(label_ids)), label_ids], probability_floor(probabilities.shape[1]))
    return Accuracy(
        images=len(label_ids),
        top1_accuracy=float(right.mean()),
        top1_interval_95=wilson(float(right.mean()), len(right)),
        top5_accuracy=float((ranked[:, :5] == label_ids[:, None]).any(axis=1).mean()),
        macro_f1=float(f1_score(label_ids, ranked[:, 0], average="macro", zero_division=0)),
        loss=float(-np.log(of_label).mean()),
    )
