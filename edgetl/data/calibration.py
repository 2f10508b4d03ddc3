"""A few images that stand for many: for calibration, and for `--limit`."""

import numpy as np
from numpy.typing import NDArray


def sample(label_ids: NDArray[np.integer], rows: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """`count` of the rows, as evenly over their classes as the class sizes allow, ascending; all of them when there are no more.

    An image that shows several classes counts as of the rarest one of them, and those that show none as of a class of their own.
    A class that is smaller than its share gives all it has, and the others share the rest. With the same seed a smaller sample
    is part of a larger one.

    Args:
        label_ids: int [N], or [N, K] as `Images` has them, of all images.
        rows: int64 [M], the images to choose from (for calibration: training images only).
        count: how many.
    """
    class_of = label_ids if label_ids.ndim == 1 else _rarest(label_ids == 1)
    shuffled = np.random.default_rng(seed).permutation(rows)
    turn = np.empty(len(shuffled), np.int64)  # an image's place within its class: all first ones are taken, then all second ones
    for label in np.unique(class_of[shuffled]):
        members = np.flatnonzero(class_of[shuffled] == label)
        turn[members] = np.arange(len(members))
    return np.sort(shuffled[np.argsort(turn, kind="stable")][:count])


def _rarest(shown: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the class that fewest images show of those that each image shows; -1 of an image that shows none. bool [N, K] to [N]."""
    found: NDArray[np.int64] = np.where(shown, shown.sum(0), len(shown) + 1).argmin(1)
    return np.where(shown.any(1), found, -1)
