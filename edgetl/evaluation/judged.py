"""Judge several quantized models of one float model, and choose among them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from edgetl.accuracy import AnyAccuracy, figure
from edgetl.compared import P_SIGNIFICANT
from edgetl.evaluation.measures import Measures
from edgetl.evaluation.statistics import Paired, paired


@dataclass(frozen=True, eq=False)
class Judged:
    """A model's predictions for N images, compared with the labels and with the float model.

    Args:
        cost: what it loses of the float model, image by image.
        drop_points: of the figure that models are judged by, top-1 or mAP, that it loses.
        kl: mean KL divergence from the float model, in nats.
        right: which images it gets right, bool [N].
    """

    accuracy: AnyAccuracy
    cost: Paired
    drop_points: float
    kl: float
    right: NDArray[np.bool_]

    @classmethod
    def of(cls, measures: Measures, of_float: NDArray[np.floating], found: NDArray[np.floating], label_ids: NDArray[np.integer]) -> Self:
        """Judge the probabilities `found`, both float [N, K], of images with these labels."""
        right = measures.right(found, label_ids)
        cost = paired(measures.right(of_float, label_ids), right)
        drop = measures.map_drop_points(of_float, found, label_ids)
        kl = measures.compare(of_float, found).kl
        return cls(measures.measure(found, label_ids), cost, cost.drop_points if drop is None else drop, kl, right)


def best_of(tried: Sequence[Judged]) -> int:
    """Return the place of the model that is nearest to float, of those that no other one beats significantly.

    On the images that choose, one more or fewer is chance, and after they were learned from, all models are right: the divergence from
    float still tells then which one follows it better, and that one loses less on other images.
    """
    top = max(tried, key=lambda one: figure(one.accuracy).value)
    equals = [place for place, one in enumerate(tried) if one is top or paired(top.right, one.right).mcnemar_p >= P_SIGNIFICANT]
    return min(equals, key=lambda place: tried[place].kl)
