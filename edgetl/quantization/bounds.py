"""How closely a model's predictions have to follow another's."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bound:
    """The largest difference that passes, and the reason why less cannot be asked.

    Args:
        min_top1_agreement: fraction of the images that get the same top-1.
        max_mean_abs_dp: mean over the images of the largest difference of a class's probability.
        max_drop_points: percentage points of top-1 accuracy.
        min_same_decisions: fraction of the images that show the same class by the contract's thresholds, or are unknown to both.
    """

    min_top1_agreement: float
    max_mean_abs_dp: float
    max_drop_points: float
    reason: str
    min_same_decisions: float = 0.0


SUMMATION = Bound(
    min_top1_agreement=0.999,
    max_mean_abs_dp=0.001,
    max_drop_points=0.1,
    reason="the same float arithmetic in another order: only near ties can tip over, and a quarter of a uint8 step is far beyond it",
)
HALVES = Bound(
    min_top1_agreement=0.985,
    max_mean_abs_dp=0.01,
    max_drop_points=0.7,
    reason="weights, and on some engines values too, rounded to 11 bits: 0.001 in probability, which tipped 5 of an unsure model's 736 "
    "predictions",
)
INTEGERS = Bound(
    min_top1_agreement=0.95,
    max_mean_abs_dp=0.1,
    max_drop_points=0.7,
    reason="what 8 bits cost: distilled, 98 % of the predictions stay, calibrated alone 96 %; beyond 0.1 in probability no threshold holds",
)
ENGINES = Bound(
    min_top1_agreement=0.995,
    max_mean_abs_dp=0.02,
    max_drop_points=0.5,
    min_same_decisions=0.995,
    reason="the same scales and weights: the engines' roundings differ by a step here and there, near ties tip over",
)
SAME_INTEGERS = Bound(
    min_top1_agreement=0.999,
    max_mean_abs_dp=0.0001,
    max_drop_points=0.1,
    min_same_decisions=0.999,
    reason="the very integers of the file, by the same runtime: equal to the bit on every image measured",
)
FUSED = Bound(
    min_top1_agreement=0.999,
    max_mean_abs_dp=0.0001,
    max_drop_points=0.1,
    min_same_decisions=0.999,
    reason="ONNX Runtime makes the one of the other when it loads it: equal to the bit on every image measured",
)
