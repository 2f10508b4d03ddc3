"""Find out in which order a network's outputs mean the classes, from its predictions of labelled images."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_STAYS = 0.5 / 100_000  # of an image, for each class that keeps its output: what no image decides stays as it is supposed to be


@dataclass(frozen=True, eq=False)
class Order:
    """An order of the outputs.

    Args:
        outputs: for each class, in the order that was supposed, the output that means it.
        checked: rows of the images that this was not found on.
        right: which of these are, with that order.
    """

    outputs: tuple[int, ...]
    checked: NDArray[np.int64]
    right: NDArray[np.bool_]

    @property
    def accuracy(self) -> float:
        """The share of these that is right."""
        return float(self.right.mean())


def order_of(predicted: NDArray[np.int64], label_ids: NDArray[np.int64], classes: int) -> Order | None:
    """Return the order that explains most predictions of every second image, measured on the others; None: there are too few."""
    from scipy.optimize import linear_sum_assignment

    if len(label_ids) < 2:
        return None
    rows = np.arange(len(label_ids))
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (label_ids[::2], predicted[::2]), 1)
    _, outputs = linear_sum_assignment(-counts - _STAYS * np.eye(classes))
    checked = rows[1::2]
    right = outputs[label_ids[checked]] == predicted[checked]
    return Order(tuple(int(one) for one in outputs), checked, right)
