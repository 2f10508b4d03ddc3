"""All that is said of one model on one set of images, every figure with its 95 % interval."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import precision_recall_fscore_support, roc_auc_score

from edgetl.evaluation.by_class import confusion
from edgetl.evaluation.calibration import Bin, calibration_error, gaps, reliability
from edgetl.evaluation.metrics import PROBABILITY_FLOOR, measure

_RESAMPLES = 2000  # the ends of an interval are then good to a tenth of its width
_BLOCK = 4_000_000  # numbers held at once while resampling: 32 MB
_TOP = (2, 3, 5)
_FEW = 10  # images of a class; below, resampling the same few images says little of others
_AVERAGED = ("precision", "recall", "f1", "roc_auc")

Weights = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A figure and its interval at 95 %."""

    value: float
    interval_95: tuple[float, float]


@dataclass(frozen=True)
class ClassScores:
    """One class: its images, how often it was named, and fractions in 0..1; None where there is nothing to divide by."""

    label: str
    images: int
    named: int
    precision: Estimate | None
    recall: Estimate | None
    f1: Estimate | None
    roc_auc: Estimate | None


@dataclass(frozen=True)
class Scores:
    """`loss` in nats, all else fractions in 0..1.

    `macro` and `weighted` average precision, recall and F1 as scikit-learn does: over the classes among labels or predictions, an
    undefined one counting as 0; ROC-AUC (one class against the rest) over the classes that have one. `confusion` is [K][K]: rows are what
    an image is, columns what it was called. Intervals of accuracies, precisions and recalls are Wilson's; the others are percentiles over
    resampled images, that of the calibration error mirrored at the figure, since resampling adds to it what the figure has of chance too.
    """

    images: int
    accuracy: Estimate
    topk_accuracy: Mapping[str, Estimate]
    loss: Estimate
    macro: Mapping[str, Estimate | None]
    weighted: Mapping[str, Estimate | None]
    calibration_error: Estimate
    reliability: tuple[Bin, ...]
    classes: tuple[ClassScores, ...]
    confusion: tuple[tuple[int, ...], ...]
    notes: tuple[str, ...]


def score(probabilities: NDArray[Any], labels: NDArray[Any], classes: Sequence[str], seed: int = 0) -> Scores:
    """Scores of probabilities [N, K] for labels [N] in 0..K-1, N >= 1. Ties are resolved as in `measure`.

    Args:
        classes: K names.
        seed: of the resampling: the same seed gives the same intervals.
    """
    basic = measure(probabilities, labels)
    probabilities, labels = np.asarray(probabilities, np.float64), np.asarray(labels, np.int64)
    if not np.isfinite(probabilities).all():
        raise ValueError("probabilities have NaN or infinity")
    predictions = probabilities.argmax(axis=1)
    drawn = _intervals(probabilities, labels, seed)
    counts = confusion(predictions, labels, len(classes))
    per_class = _per_class(probabilities, labels, classes, counts, drawn)
    averages = {kind: _averages(kind, labels, predictions, per_class, drawn) for kind in ("macro", "weighted")}
    error = calibration_error(probabilities, labels)
    low, high = drawn["calibration_error"]
    ranked = np.argsort(-probabilities, axis=1, kind="stable")
    within = {k: int((ranked[:, :k] == labels[:, None]).any(axis=1).sum()) for k in (1, *_TOP) if k < len(classes)}
    top = {k: _proportion(right, len(labels)) for k, right in within.items()}
    return Scores(
        images=basic.images,
        accuracy=Estimate(basic.top1_accuracy, basic.top1_interval_95),
        topk_accuracy={str(k): one for k, one in top.items() if k > 1 and one},
        loss=Estimate(basic.loss, drawn["loss"]),
        macro=averages["macro"],
        weighted=averages["weighted"],
        calibration_error=Estimate(error, (max(2 * error - high, 0.0), min(max(2 * error - low, 0.0), 1.0))),
        reliability=reliability(probabilities, labels),
        classes=per_class,
        confusion=tuple(map(tuple, counts.tolist())),
        notes=tuple(_notes(per_class)),
    )


def _per_class(
    probabilities: NDArray[Any], labels: NDArray[Any], classes: Sequence[str], counts: NDArray[Any], drawn: Mapping[str, Any]
) -> tuple[ClassScores, ...]:
    found = []
    for k, label in enumerate(classes):
        images, named, right = int(counts[k].sum()), int(counts[:, k].sum()), int(counts[k, k])
        f1 = Estimate(2 * right / (images + named), drawn["f1"][k]) if images + named else None
        both = 0 < images < len(labels)
        area = Estimate(float(roc_auc_score(labels == k, probabilities[:, k])), drawn["roc_auc"][k]) if both else None
        found.append(ClassScores(label, images, named, _proportion(right, named), _proportion(right, images), f1, area))
    return tuple(found)


def _averages(
    kind: str, labels: NDArray[Any], predictions: NDArray[Any], per_class: Sequence[ClassScores], drawn: Mapping[str, Any]
) -> dict[str, Estimate | None]:
    values = precision_recall_fscore_support(labels, predictions, average=kind, zero_division=0)[:3]
    found: dict[str, Estimate | None] = {
        name: Estimate(float(value), drawn[f"{kind}_{name}"]) for name, value in zip(_AVERAGED[:3], values, strict=True)
    }
    areas = [(one.roc_auc.value, one.images if kind == "weighted" else 1) for one in per_class if one.roc_auc]
    area = float(np.average([value for value, _ in areas], weights=[weight for _, weight in areas])) if areas else None
    return found | {"roc_auc": None if area is None else Estimate(area, drawn[f"{kind}_roc_auc"])}


def _proportion(right: int, of: int) -> Estimate | None:
    if not of:
        return None
    interval = binomtest(right, of).proportion_ci(0.95, method="wilson")
    return Estimate(right / of, (float(interval.low), float(interval.high)))


def _notes(classes: Sequence[ClassScores]) -> Iterator[str]:
    absent = [f"'{one.label}'" for one in classes if not one.images]
    few = [f"'{one.label}' ({one.images})" for one in classes if 0 < one.images < _FEW]
    if absent:
        yield f"no image of {', '.join(absent)}: no recall and no ROC-AUC there; naming it still counts as wrong"
    if len(absent) == len(classes) - 1:
        yield "all images are of one class: there is no ROC-AUC, and little to be learned from the rest"
    if few:
        yield f"fewer than {_FEW} images of {', '.join(few)}: little is known of them, and the intervals of F1 and ROC-AUC are too narrow"


def _intervals(probabilities: NDArray[Any], labels: NDArray[Any], seed: int) -> dict[str, Any]:
    """Percentiles over resampled images: (low, high) of a figure, a list of K of them for a figure a class."""
    count, random = len(labels), np.random.default_rng(seed)
    statistics = weighted_statistics(probabilities, labels)
    made, block = [], max(1, _BLOCK // count)
    for start in range(0, _RESAMPLES, block):
        size = min(block, _RESAMPLES - start)
        picked = random.integers(0, count, (size, count)) + count * np.arange(size)[:, None]
        made.append(statistics(np.bincount(picked.ravel(), minlength=size * count).reshape(size, count).astype(np.float64)))
    found: dict[str, Any] = {}
    for name in made[0]:
        values = np.concatenate([one[name] for one in made])
        known = np.where(np.isnan(values).all(axis=0), 0.0, values)  # a class that is nowhere has no interval, and no figure either
        low, high = np.nanpercentile(known, [2.5, 97.5], axis=0)
        found[name] = list(zip(low.tolist(), high.tolist(), strict=True)) if values.ndim == 2 else (float(low), float(high))
    return found


def weighted_statistics(probabilities: NDArray[Any], labels: NDArray[Any]) -> Any:
    """A function from weights float64 [B, N] (how often each image counts) to every figure, [B] or, a class, [B, K]."""
    images, classes = probabilities.shape
    predictions, rows = probabilities.argmax(axis=1), np.arange(images)
    losses = -np.log(np.maximum(probabilities[rows, labels], PROBABILITY_FLOOR))
    is_class, is_named, spread = np.eye(classes)[labels], np.eye(classes)[predictions], gaps(probabilities, labels)
    areas = [_area(probabilities[:, k], labels == k) for k in range(classes)]

    def statistics(weights: Weights) -> dict[str, Weights]:
        of, named, right = weights @ is_class, weights @ is_named, weights @ (is_class * is_named)
        count = weights.sum(axis=1)
        one_class = {
            "precision": right / np.maximum(named, 1),
            "recall": right / np.maximum(of, 1),
            "f1": 2 * right / np.maximum(of + named, 1),
            "roc_auc": np.stack([area(weights) for area in areas], axis=1),
        }
        occurs = {name: (of + named > 0).astype(float) for name in _AVERAGED[:3]} | {"roc_auc": ~np.isnan(one_class["roc_auc"])}
        found = {"loss": weights @ losses / count, "calibration_error": np.abs(weights @ spread).sum(axis=1) / count}
        for name in _AVERAGED:
            values = np.nan_to_num(one_class[name])
            for kind, share in (("macro", occurs[name] * 1.0), ("weighted", occurs[name] * of)):
                with np.errstate(invalid="ignore"):  # 0 / 0 where no class has an area
                    found[f"{kind}_{name}"] = (values * share).sum(axis=1) / share.sum(axis=1)
        return found | {"f1": one_class["f1"], "roc_auc": one_class["roc_auc"]}

    return statistics


def _area(scores: NDArray[Any], positive: NDArray[Any]) -> Any:
    """A function from weights [B, N] to the area under the ROC curve [B]: how often a positive scores higher, a tie being half."""
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
