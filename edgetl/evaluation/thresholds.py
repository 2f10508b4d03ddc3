"""A threshold for each class, from probabilities [N, K] and labels [N] of images that the figures are not measured on."""

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
    chosen, missed, few = [], [], []
    for k, name in enumerate(class_names):
        passed = scores[predicted == k][:, None] >= grid
        right = (passed & (label_ids[predicted == k] == k)[:, None]).sum(axis=0)
        kept, images = passed.sum(axis=0), int((label_ids == k).sum())
        precision = np.divide(right, kept, out=np.zeros(len(grid)), where=kept > 0)
        if aim.precision is None:
            best = int((2 * right / np.maximum(kept + images, 1)).argmax())
        else:
            reached = precision >= aim.precision
            best = int(reached.argmax() if reached.any() else precision.argmax())
            if len(passed) and not reached.any():
                missed.append(f"'{name}' ({100 * precision[best]:.1f} %)")
        chosen.append(float(grid[best]))
        if len(passed) < _FEW:
            few.append(f"'{name}' ({len(passed)})")
    notes = []
    if missed:
        notes.append(f"no threshold reaches the precision for {', '.join(missed)}: there it is the most precise one")
    if few:
        notes.append(f"fewer than {counted(_FEW, 'image')} to choose by were predicted as {', '.join(few)}: chance decides there")
    return BestThresholds(tuple(chosen), tuple(notes))
