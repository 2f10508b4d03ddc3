"""Agreement of two models: how far their predictions for the same images are apart."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgetl.documents import Count, Share
from edgetl.evaluation.metrics import probability_floor
from edgetl.evaluation.steps import in_steps
from edgetl.output import PROBABILITY_SCALE

_WORST = 10  # rows: a screenful, enough to see what the worst images have in common


@dataclass(frozen=True)
class Agreement:
    """How the predictions of two models, a and b, for the same images differ.

    `mean_steps` and `max_steps` are |pa - pb| over all images and classes, in steps of 1/256 (the uint8 output's).
    `mean_abs_dp` is the mean over images of the largest |pa - pb| among the classes: unlike a mean over all classes it means the
    same for 2 classes as for 1000. `kl` is the mean of KL(a || b) in nats. `worst` holds the rows of the images that differ most: first
    those with different top-1, then the others, both by decreasing largest |pa - pb|. `ties` counts the disagreements that steps of 1/256
    alone explain: a model with such an output gives the top-1 classes of both the same probability.
    """

    images: Count
    top1_agreement: Share
    disagreements: Count
    mean_steps: float
    max_steps: float
    mean_abs_dp: float
    kl: float
    worst: tuple[int, ...]
    ties: Count = 0


def compare(a: NDArray[np.floating], b: NDArray[np.floating]) -> Agreement:
    """Return the agreement of two models' probabilities, both [N, K] for the same N >= 1 images."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.ndim != 2 or a.shape != b.shape or not len(a):
        raise ValueError(f"probabilities {a.shape} and {b.shape} are not both [N, K]")
    apart = np.abs(a - b)
    largest = apart.max(axis=1)
    tops = a.argmax(axis=1), b.argmax(axis=1)
    same = tops[0] == tops[1]
    tied = np.any([_equal(model, *tops) for model in (a, b) if in_steps(model)], axis=0)
    return Agreement(
        images=len(a),
        top1_agreement=float(same.mean()),
        disagreements=int((~same).sum()),
        mean_steps=float(apart.mean() / PROBABILITY_SCALE),
        max_steps=float(apart.max() / PROBABILITY_SCALE),
        mean_abs_dp=float(largest.mean()),
        kl=_mean_kl(a, b),
        worst=tuple(np.lexsort((-largest, same))[:_WORST].tolist()),
        ties=int((~same & tied).sum()),
    )


def _equal(probabilities: NDArray[np.floating], one: NDArray[np.integer], other: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return for each image whether two of its classes have the same probability."""
    rows = np.arange(len(probabilities))
    equal: NDArray[np.bool_] = probabilities[rows, one] == probabilities[rows, other]
    return equal


def _mean_kl(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Return the mean KL(a || b) in nats. Probabilities are floored as for the loss, then normalized again: else it could be negative."""
    a, b = (np.maximum(p, probability_floor(p.shape[1])) for p in (a, b))
    a, b = (p / p.sum(axis=1, keepdims=True) for p in (a, b))
    return float((a * np.log(a / b)).sum(axis=1).mean())
