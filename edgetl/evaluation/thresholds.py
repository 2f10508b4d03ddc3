"""A threshold for each class, from probabilities [N, K] of images that the figures are not measured on, and their labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from edgetl.errors import UsageError
from edgetl.evaluation.rejection import GRID
from edgetl.wording import counted

TARGETS = "best-f1, or precision=P with P above 0 and at most 1"
_BEST_F1, _PRECISION = "best-f1", "precision="
_FEW = 10  # images that are predicted as a class: of fewer, one alone moves its precision by more than ten points


@dataclass(frozen=True)
class Aim:
    """The aim of each class's threshold: this precision with the highest recall, or None: the best F1."""

    precision: float | None = None

    @classmethod
    def of(cls, text: str) -> Self:
        """Read "best-f1" or "precision=0.9". Raises UsageError."""
        if text == _BEST_F1:
            return cls()
        try:
            precision = float(text.removeprefix(_PRECISION)) if text.startswith(_PRECISION) else 0.0
        except ValueError:
            precision = 0.0
        if not 0 < precision <= 1:
            raise UsageError(f"there is no target '{text}'", f"choices: {TARGETS}")
        return cls(precision)

    def __str__(self) -> str:
        return _BEST_F1 if self.precision is None else f"{_PRECISION}{self.precision:g}"


@dataclass(frozen=True)
class BestThresholds:
    """The threshold of each class, float [K] and a point of `GRID` each, and what is to be said about them."""

    per_class: tuple[float, ...]
    notes: tuple[str, ...]


def best_thresholds(
    probabilities: NDArray[np.floating], label_ids: NDArray[np.integer], class_names: Sequence[str], aim: Aim, least: float = 0.0
) -> BestThresholds:
    """Return for each class the lowest threshold that does best on images with probabilities [N, K] and labels [N].

    Args:
        class_names: K names.
        least: no threshold is lower: images below are rejected anyway.
    """
    rows = np.asarray(probabilities, np.float64)
    predicted, scores = rows.argmax(axis=1), rows.max(axis=1)
    grid = np.concatenate([[least], GRID[least < GRID]])
    curves = []
    for k in range(len(class_names)):
        mine = predicted == k
        curves.append(_curve(scores[mine], label_ids[mine] == k, int((label_ids == k).sum()), grid))
    chosen = [int(curve.score(aim).argmax()) for curve in curves]
    few = [f"'{name}' ({curve.candidates})" for name, curve in zip(class_names, curves, strict=True) if curve.candidates < _FEW]
    return _found(class_names, aim, curves, chosen, [_few("were predicted as", few)] if few else [])


def best_thresholds_of_several(
    probabilities: NDArray[np.floating], shown: NDArray[np.bool_], class_names: Sequence[str], aim: Aim
) -> BestThresholds:
    """Return for each class the threshold that does best on images with probabilities [N, K] that show the classes bool [N, K].

    Every image takes part in every class. Of thresholds that do equally well it is the one nearest to one half, far from both kinds of
    images; so it is, too, where no image shows the class.
    """
    rows = np.asarray(probabilities, np.float64)
    curves = [_curve(rows[:, k], shown[:, k], int(shown[:, k].sum()), GRID) for k in range(len(class_names))]
    far = np.abs(GRID - 0.5)
    chosen = [int(np.where((score := curve.score(aim)) == score.max(), far, np.inf).argmin()) for curve in curves]
    few = [f"'{name}' ({count})" for name, count in zip(class_names, shown.sum(axis=0).tolist(), strict=True) if count < _FEW]
    return _found(class_names, aim, curves, chosen, [_few("show", few)] if few else [])


@dataclass(frozen=True, eq=False)
class _Curve:
    """A class's precision and F1 at each of G thresholds, float64 [G], and among how many images it is looked for."""

    grid: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    candidates: int

    def reaches(self, aim: Aim) -> bool:
        """Return whether some threshold has the precision that is asked for, or none is."""
        return aim.precision is None or bool((self.precision >= aim.precision).any())

    def score(self, aim: Aim) -> NDArray[np.float64]:
        """Return what the best threshold has most of, [G]: F1, or recall at the asked precision, or precision where none reaches it."""
        if aim.precision is None:
            return self.f1
        return np.where(self.precision >= aim.precision, self.recall, -1.0) if self.reaches(aim) else self.precision


def _curve(scores: NDArray[np.float64], right: NDArray[np.bool_], images: int, grid: NDArray[np.float64]) -> _Curve:
    """Return the curve of a class.

    Args:
        scores, right: of the images among which it is looked for, float64 [M], and whether each is of the class, bool [M].
        images: how many are of the class, those included that are not looked at.
    """
    passed = scores[:, None] >= grid
    hits, kept = (passed & right[:, None]).sum(axis=0), passed.sum(axis=0)
    precision = np.divide(hits, kept, out=np.zeros(len(grid)), where=kept > 0)
    return _Curve(grid, precision, hits / max(images, 1), 2 * hits / np.maximum(kept + images, 1), len(scores))


def _found(class_names: Sequence[str], aim: Aim, curves: Sequence[_Curve], chosen: Sequence[int], few: Sequence[str]) -> BestThresholds:
    missed = [
        f"'{name}' ({100 * curve.precision[best]:.1f} %)"
        for name, curve, best in zip(class_names, curves, chosen, strict=True)
        if curve.candidates and not curve.reaches(aim)
    ]
    notes = [f"no threshold reaches the precision for {', '.join(missed)}: there it is the most precise one"] if missed else []
    return BestThresholds(tuple(float(curve.grid[best]) for curve, best in zip(curves, chosen, strict=True)), (*notes, *few))


def _few(what: str, names: Sequence[str]) -> str:
    return f"fewer than {counted(_FEW, 'image')} to choose by {what} {', '.join(names)}: chance decides there"
