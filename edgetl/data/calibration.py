"""A few images that stand for many: for calibration, and for `--limit`."""

import numpy as np
from numpy.typing import NDArray


def sample(label_ids: NDArray[np.integer], rows: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """`count` of the rows, as evenly over their classes as the class sizes allow, ascending; all of them when there are no more.

    A class that is smaller than its share gives all it has, and the others share the rest. With the same seed a smaller sample
    is part of a larger one.

    Args:
        label_ids: int [N], class of each image of the whole set.
        rows: int64 [M], the images to choose from (for calibration: training images only).
        count: how many.
    """
    shuffled = np.random.default_rng(seed).permutation(rows)
    turn = np.empty(len(shuffled), np.int64)  # an image's place within its class: all first ones are taken, then all second ones
    for label in np.unique(label_ids[shuffled]):
        members = np.flatnonzero(label_ids[shuffled] == label)
        turn[members] = np.arange(len(members))
    return np.sort(shuffled[np.argsort(turn, kind="stable")][:count])
