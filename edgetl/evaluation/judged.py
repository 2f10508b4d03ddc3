"""Judge several quantized models of one float model, and choose among them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from edgetl.compared import P_SIGNIFICANT
from edgetl.evaluation.agreement import compare
from edgetl.evaluation.metrics import Accuracy, measure
from edgetl.evaluation.statistics import Paired, paired


@dataclass(frozen=True, eq=False)
class Judged:
    """A model's predictions for N images, compared with the labels and with the float model.

    Args:
        cost: what it loses of the float model, image by image.
        kl: mean KL divergence from the float model, in nats.
        right: which images it gets right, bool [N].
    """

    accuracy: Accuracy
    cost: Paired
    kl: float
    right: NDArray[np.bool_]

    @classmethod
    def of(cls, of_float: NDArray[np.floating], found: NDArray[np.floating], label_ids: NDArray[np.integer]) -> Self:
        """Judge the probabilities `found`, both float [N, K], of images with these labels."""
        right = found.argmax(1) == label_ids
        return cls(measure(found, label_ids), paired(of_float.argmax(1) == label_ids, right), compare(of_float, found).kl, right)


def best_of(tried: Sequence[Judged]) -> int:
    """Return the place of the model that is nearest to float, of those that no other one beats significantly.

    On the images that choose, one more or fewer is chance, and after they were learned from, all models are right: the divergence from
    float still tells then which one follows it better, and that one loses less on other images.
    """
    top = max(tried, key=lambda one: one.accuracy.top1_accuracy)
    equals = [place for place, one in enumerate(tried) if one is top or paired(top.right, one.right).mcnemar_p >= P_SIGNIFICANT]
    return min(equals, key=lambda place: tried[place].kl)
