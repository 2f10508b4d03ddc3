"""How many images two models may decide otherwise: the promised share, and on small sets the near ties that chance explains.

On few images a share is too strict: of 74 images 1.5 % is one, yet nearly a third of all pairs that keep the promise differ on two or more.
So a pair may differ on more images of a small set, as many as one in twenty such pairs exceeds by chance, if they are near ties: images
whose classes moved by no more than the pair may move on average. No set may have more than 300 images may, from where on the promise holds
as it stands.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgetl.wording import counted

_ENOUGH = 300  # images
_CHANCE = 0.05  # that a pair which keeps its promise is refused


@dataclass(frozen=True)
class Near:
    """How many of the differences between two subjects are near ties, see `near_ties`.

    Args:
        named: of the images that get another top-1; of the decisions on classes that differ where images may show several.
        lost: of the images that only the first one gets right.
        decided, decided_unknown: of the images that are decided otherwise by the contract's thresholds, and of such unknown ones.
    """

    named: int = 0
    lost: int = 0
    decided: int = 0
    decided_unknown: int = 0


NONE = Near()


def allowed(share: float, images: int, near: int = 0) -> int:
    """Return how many of the images may differ, of those that do `near` being near ties.

    Never less than one: one image of a small set proves nothing.
    """
    promised = max(1, _floor(share * images))
    most = min(by_chance(share, images), _floor(share * _ENOUGH)) if images < _ENOUGH else 0
    return promised + min(near, max(most - promised, 0))


def by_chance(share: float, images: int) -> int:
    """Return the number of images that is exceeded by chance in one of twenty sets, where each differs with this probability."""
    left, count = 1.0, -1
    while left >= _CHANCE and count < images:
        count += 1
        left -= math.comb(images, count) * share**count * (1 - share) ** (images - count)
    return count


def near_ties(
    first: NDArray[np.floating], second: NDArray[np.floating], decide: Callable[[NDArray[np.floating]], NDArray[np.bool_]], within: float
) -> NDArray[np.bool_]:
    """Return of each image whether it is decided otherwise by moves no larger than `within`, bool [N].

    Args:
        first, second: probabilities [N, K].
        decide: returns the classes that probabilities [N, K] name, bool [N, K].
        within: a probability; what the classes that are decided otherwise may move by, in the mean over them.
    """
    other = decide(first) != decide(second)
    moved = np.where(other, np.abs(np.asarray(first, np.float64) - second), 0.0).sum(axis=1)
    near: NDArray[np.bool_] = other.any(axis=1) & (moved <= within * other.sum(axis=1) + _ROUNDED)
    return near


def tops(probabilities: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return the most probable class of each image as a decision, bool [N, K]."""
    named: NDArray[np.bool_] = np.arange(probabilities.shape[1]) == probabilities.argmax(axis=1)[:, np.newaxis]
    return named


def said(near: int) -> str:
    """Return how many differences are near ties, to be put behind their number."""
    return f" ({counted(near, 'near tie')} among them)" if near else ""


def _floor(value: float) -> int:
    return math.floor(value + _ROUNDED)


_ROUNDED = 1e-9  # of a product of floats: 0.1 * 10 must not come out as 0.999...
