"""Paired tests of two models on the same images: far more sensitive than comparing two accuracies with their intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgetl.documents import Count, Share


@dataclass(frozen=True)
class Paired:
    """How often one of two models, a and b, is right where the other is wrong.

    `drop_points` is a's accuracy minus b's in percentage points; `only_a` and `only_b` count the images that only that model gets right;
    `mcnemar_p` is the probability of a split at least as uneven when neither is better (exact binomial, two-sided; McNemar 1947).
    """

    drop_points: float
    only_a: Count
    only_b: Count
    mcnemar_p: Share


def paired(a_right: NDArray[np.bool_], b_right: NDArray[np.bool_]) -> Paired:
    """Compare two models by which images they get right, both bool [N], N >= 1."""
    from scipy.stats import binomtest  # here, so that reading a document with a Paired does not load it

    a_right, b_right = np.asarray(a_right, bool), np.asarray(b_right, bool)
    if a_right.ndim != 1 or a_right.shape != b_right.shape or not len(a_right):
        raise ValueError(f"{a_right.shape} and {b_right.shape} are not both [N]")
    only_a, only_b = int((a_right & ~b_right).sum()), int((b_right & ~a_right).sum())
    discordant = only_a + only_b
    return Paired(
        drop_points=100.0 * (only_a - only_b) / len(a_right),
        only_a=only_a,
        only_b=only_b,
        mcnemar_p=float(binomtest(only_a, discordant).pvalue) if discordant else 1.0,
    )


def gain_interval(won: int, lost: int, images: int) -> tuple[float, float]:
    """Return the 95 % interval of a paired gain in percentage points: half an image more in each of the four cells, then Wald's.

    Agresti and Min 2005, doi:10.1002/sim.1781: it holds what it promises on few images, and where none was lost.
    """
    count, more = images + 2, won - lost
    centre, spread = more / count, 1.96 * math.sqrt(won + lost + 1 - more**2 / count) / count
    return 100 * max(centre - spread, -1.0), 100 * min(centre + spread, 1.0)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values corrected for multiple tests by Holm's method (1979), in the same order."""
    corrected, largest = [0.0] * len(p_values), 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[index]))
        corrected[index] = largest
    return corrected
