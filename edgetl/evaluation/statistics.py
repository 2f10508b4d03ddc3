"""Two models on the same images, compared image by image: far sharper than comparing two accuracies with their intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest


@dataclass(frozen=True)
class Paired:
    """Which of a and b is right on what the other gets wrong.

    `drop_points` is a's accuracy less b's in percentage points; `only_a` and `only_b` count the images that only one gets right;
    `mcnemar_p` is how likely so uneven a split of these is when neither is better (exact binomial, two-sided; McNemar 1947).
    """

    drop_points: float
    only_a: int
    only_b: int
    mcnemar_p: float


def paired(a_right: NDArray[Any], b_right: NDArray[Any]) -> Paired:
    """Compare two models by which images they get right, both bool [N], N >= 1."""
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


def holm(p_values: Sequence[float]) -> list[float]:
    """p values of several tests, raised so that below 0.05 any false one among them is as rare as that (Holm 1979)."""
    raised, largest = [0.0] * len(p_values), 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[index]))
        raised[index] = largest
    return raised
