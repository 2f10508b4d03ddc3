"""All scores of one model on one set of images, each with its 95 % interval."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_fscore_support, roc_auc_score

from edgetl.evaluation.calibration import Bin, calibration_error, gaps, reliability
from edgetl.evaluation.metrics import measure, probability_floor
from edgetl.evaluation.per_class import confusion
from edgetl.evaluation.resampling import Estimate, Resampled, Weights, estimate, mirrored, proportion, resample

_TOP = (2, 3, 5)
_FEW = 10  # images of a class; below, resampling the same few images says little of others
_LOSS, _CALIBRATION, _F1, _ROC_AUC = "loss", "calibration_error", "f1", "roc_auc"
_AVERAGED = ("precision", "recall", _F1, _ROC_AUC)


@dataclass(frozen=True)
class TopK:
    """Fraction of the images whose class is among the k most probable ones."""

    k: int
    accuracy: Estimate


@dataclass(frozen=True)
class Averages:
    """Averages over the classes as fractions in 0..1; ROC-AUC is None when no class has one."""

    precision: Estimate
    recall: Estimate
    f1: Estimate
    roc_auc: Estimate | None


@dataclass(frozen=True)
class ClassScores:
    """Scores of one class: how many images it has, how often it was predicted, and fractions in 0..1; None where undefined."""

    class_name: str
    images: int
    predicted: int
    precision: Estimate | None
    recall: Estimate | None
    f1: Estimate | None
    roc_auc: Estimate | None


@dataclass(frozen=True)
class Scores:
    """Scores of one model: `loss` in nats, all others fractions in 0..1.

    `macro` and `weighted` average precision, recall and F1 as scikit-learn does: over the classes among labels or predictions, an
    undefined one counting as 0; ROC-AUC (one class against the rest) over the classes that have one. `confusion` is the confusion matrix
    [K][K]: a row for each true class, a column for each predicted class. Intervals of accuracies, precisions and recalls are Wilson's; the
    others are percentiles over resampled images. That of the calibration error is mirrored at its value, since resampling adds to the
    error what chance has added already, and reaches at least up to it: a figure that is mostly chance is the upper end, not outside.
    """

    images: int
    top1_accuracy: Estimate
    top_k: tuple[TopK, ...]
    loss: Estimate
    macro: Averages
    weighted: Averages
    calibration_error: Estimate
    reliability: tuple[Bin, ...]
    classes: tuple[ClassScores, ...]
    confusion: tuple[tuple[int, ...], ...]
    notes: tuple[str, ...]


def score(probabilities: NDArray[np.floating], label_ids: NDArray[np.integer], class_names: Sequence[str], seed: int = 0) -> Scores:
    """Return the scores of probabilities [N, K] for labels [N] in 0..K-1, N >= 1. Ties are resolved as in `measure`.

    Args:
        class_names: K names.
        seed: for the resampling: the same seed gives the same intervals.
    """
    basic = measure(probabilities, label_ids)
    probabilities, label_ids = np.asarray(probabilities, np.float64), np.asarray(label_ids, np.int64)
    if not np.isfinite(probabilities).all():
        raise ValueError("probabilities have NaN or infinity")
    predictions = probabilities.argmax(axis=1)
    resampled = resample(weighted_statistics(probabilities, label_ids), len(label_ids), seed)
    counts = confusion(predictions, label_ids, len(class_names))
    per_class = _per_class(probabilities, label_ids, class_names, counts, resampled)
    return Scores(
        images=basic.images,
        top1_accuracy=Estimate(basic.top1_accuracy, basic.top1_interval_95),
        top_k=tuple(_top_k(probabilities, label_ids)),
        loss=estimate(basic.loss, *resampled.overall[_LOSS]),
        macro=_averages("macro", label_ids, predictions, per_class, resampled),
        weighted=_averages("weighted", label_ids, predictions, per_class, resampled),
        calibration_error=mirrored(calibration_error(probabilities, label_ids), resampled.overall[_CALIBRATION]),
        reliability=reliability(probabilities, label_ids),
        classes=per_class,
        confusion=tuple(map(tuple, counts.tolist())),
        notes=tuple(_notes(per_class)),
    )


def _top_k(probabilities: NDArray[np.floating], label_ids: NDArray[np.integer]) -> Iterator[TopK]:
    ranked = np.argsort(-probabilities, axis=1, kind="stable")
    for k in _TOP:
        if k < probabilities.shape[1]:
            accuracy = proportion(int((ranked[:, :k] == label_ids[:, None]).any(axis=1).sum()), len(label_ids))
            assert accuracy is not None  # there are images
            yield TopK(k, accuracy)


def _per_class(
    probabilities: NDArray[np.floating],
    label_ids: NDArray[np.integer],
    class_names: Sequence[str],
    counts: NDArray[np.integer],
    resampled: Resampled,
) -> tuple[ClassScores, ...]:
    found = []
    for k, name in enumerate(class_names):
        images, predicted, right = int(counts[k].sum()), int(counts[:, k].sum()), int(counts[k, k])
        f1 = estimate(2 * right / (images + predicted), *resampled.per_class[_F1][k]) if images + predicted else None
        both = 0 < images < len(label_ids)
        area = estimate(float(roc_auc_score(label_ids == k, probabilities[:, k])), *resampled.per_class[_ROC_AUC][k]) if both else None
        found.append(ClassScores(name, images, predicted, proportion(right, predicted), proportion(right, images), f1, area))
    return tuple(found)


def _averages(
    kind: str, label_ids: NDArray[np.integer], predictions: NDArray[np.integer], per_class: Sequence[ClassScores], resampled: Resampled
) -> Averages:
    values = precision_recall_fscore_support(label_ids, predictions, average=kind, zero_division=0)[:3]
    precision, recall, f1 = (
        estimate(float(value), *resampled.overall[f"{kind}_{name}"]) for name, value in zip(_AVERAGED[:3], values, strict=True)
    )
    areas = [(one.roc_auc.value, one.images if kind == "weighted" else 1) for one in per_class if one.roc_auc]
    area = float(np.average([value for value, _ in areas], weights=[weight for _, weight in areas])) if areas else None
    return Averages(precision, recall, f1, None if area is None else estimate(area, *resampled.overall[f"{kind}_{_ROC_AUC}"]))


def _notes(classes: Sequence[ClassScores]) -> Iterator[str]:
    absent = [f"'{one.class_name}'" for one in classes if not one.images]
    few = [f"'{one.class_name}' ({one.images})" for one in classes if 0 < one.images < _FEW]
    if absent:
        yield f"no image shows {', '.join(absent)}: recall and ROC-AUC are undefined there; predicting such a class still counts as wrong"
    if len(absent) == len(classes) - 1:
        yield "all images show the same class: ROC-AUC is undefined, and the other metrics mean little"
    if few:
        yield f"fewer than {_FEW} images show {', '.join(few)}: little is known about them; intervals of F1 and ROC-AUC are too narrow"


def weighted_statistics(probabilities: NDArray[np.floating], label_ids: NDArray[np.integer]) -> Callable[[Weights], dict[str, Weights]]:
    """Return a function from weights float64 [B, N] (how often each image counts) to every metric: [B], or per class [B, K]."""
    images, classes = probabilities.shape
    predictions, rows = probabilities.argmax(axis=1), np.arange(images)
    losses = -np.log(np.maximum(probabilities[rows, label_ids], probability_floor(classes)))
    is_class, is_predicted, spread = np.eye(classes)[label_ids], np.eye(classes)[predictions], gaps(probabilities, label_ids)
    areas = [_area(probabilities[:, k], label_ids == k) for k in range(classes)]

    def statistics(weights: Weights) -> dict[str, Weights]:
        of, predicted, right = weights @ is_class, weights @ is_predicted, weights @ (is_class * is_predicted)
        count = weights.sum(axis=1)
        one_class = {
            "precision": right / np.maximum(predicted, 1),
            "recall": right / np.maximum(of, 1),
            _F1: 2 * right / np.maximum(of + predicted, 1),
            _ROC_AUC: np.stack([area(weights) for area in areas], axis=1),
        }
        occurs = {name: (of + predicted > 0).astype(float) for name in _AVERAGED[:3]} | {_ROC_AUC: ~np.isnan(one_class[_ROC_AUC])}
        found = {_LOSS: weights @ losses / count, _CALIBRATION: np.abs(weights @ spread).sum(axis=1) / count}
        for name in _AVERAGED:
            values = np.nan_to_num(one_class[name])
            for kind, share in (("macro", occurs[name] * 1.0), ("weighted", occurs[name] * of)):
                with np.errstate(invalid="ignore"):  # 0 / 0 where no class has an area
                    found[f"{kind}_{name}"] = (values * share).sum(axis=1) / share.sum(axis=1)
        return found | {name: one_class[name] for name in (_F1, _ROC_AUC)}

    return statistics


def _area(scores: NDArray[np.floating], positive: NDArray[np.bool_]) -> Callable[[Weights], Weights]:
    """Return a function from weights [B, N] to the area under the ROC curve [B]: how often a positive scores higher, ties counting half."""
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))

    def area(weights: Weights) -> Weights:
        weights = weights[:, order]
        yes = np.add.reduceat(weights * positive[order], starts, axis=1)
        no = np.add.reduceat(weights * ~positive[order], starts, axis=1)
        below = np.cumsum(no, axis=1) - no / 2
        with np.errstate(invalid="ignore"):  # 0 / 0 is NaN, which is meant
            return np.asarray((yes * below).sum(axis=1) / (yes.sum(axis=1) * no.sum(axis=1)))

    return area
