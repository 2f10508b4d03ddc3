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

    Where images may show several classes there is no top-1: `disagreements` are images of which the two do not find the same classes,
    `label_agreement` is the share of all decisions, one an image and class, that are alike.
    """

    images: Count
    top1_agreement: Share | None
    disagreements: Count
    mean_steps: float
    max_steps: float
    mean_abs_dp: float
    kl: float
    worst: tuple[int, ...]
    ties: Count = 0
    label_agreement: Share | None = None

    @property
    def same(self) -> float:
        """The share of the images of which both say the same: the top-1, or all classes."""
        return 1 - self.disagreements / self.images if self.top1_agreement is None else self.top1_agreement


@dataclass(frozen=True, eq=False)
class Apart:
    """How far probabilities are apart: the largest |pa - pb| of each image, float64 [N], and mean and maximum over all in steps."""

    largest: NDArray[np.float64]
    mean_steps: float
    max_steps: float

    def agreement(
        self, same: NDArray[np.bool_], kl: float, *, top1: float | None = None, label_agreement: float | None = None, ties: int = 0
    ) -> Agreement:
        """Return the agreement of two models that say the same of some images, bool [N]."""
        return Agreement(
            images=len(same),
            top1_agreement=top1,
            disagreements=int((~same).sum()),
            mean_steps=self.mean_steps,
            max_steps=self.max_steps,
            mean_abs_dp=float(self.largest.mean()),
            kl=kl,
            worst=tuple(np.lexsort((-self.largest, same))[:_WORST].tolist()),
            ties=ties,
            label_agreement=label_agreement,
        )


def apart(a: NDArray[np.floating], b: NDArray[np.floating]) -> Apart:
    """Return how far two models' probabilities are apart, both [N, K] for the same N >= 1 images."""
    if a.ndim != 2 or a.shape != b.shape or not len(a):
        raise ValueError(f"probabilities {a.shape} and {b.shape} are not both [N, K]")
    found = np.abs(np.asarray(a, np.float64) - np.asarray(b, np.float64))
    return Apart(found.max(axis=1), float(found.mean() / PROBABILITY_SCALE), float(found.max() / PROBABILITY_SCALE))


def compare(a: NDArray[np.floating], b: NDArray[np.floating]) -> Agreement:
    """Return the agreement of two models' probabilities, both [N, K] for the same N >= 1 images."""
    steps = apart(a, b)
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    tops = a.argmax(axis=1), b.argmax(axis=1)
    same = tops[0] == tops[1]
    tied = np.any([_equal(model, *tops) for model in (a, b) if in_steps(model)], axis=0)
    return steps.agreement(same, _mean_kl(a, b), top1=float(same.mean()), ties=int((~same & tied).sum()))


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
