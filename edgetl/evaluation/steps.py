"""Steps: what rounding probabilities to an int8 model's uint8 output, in steps of 1/256, does to their order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgetl.evaluation.statistics import Paired, paired
from edgetl.output import PROBABILITY_SCALE

_HIGHEST = 255  # steps: what a uint8 holds
CURE = "the output's steps of 1/256 are the cause, and --set export.output=float32 leaves them out"


@dataclass(frozen=True)
class StepsCost:
    """Cost of steps alone, for a model's predictions.

    Args:
        cost: the rounded predictions against the model's own, image by image.
        ties: images whose highest probability several classes share.
        zeros: images that get 0 for every class.
    """

    cost: Paired
    ties: int
    zeros: int


def cost_of_steps(probabilities: NDArray[np.floating], label_ids: NDArray[np.integer]) -> StepsCost:
    """Return what rounding to steps does to probabilities [N, K] of images with the labels [N]."""
    steps = _steps(probabilities)
    highest = steps.max(axis=1)
    return StepsCost(
        cost=paired(probabilities.argmax(axis=1) == label_ids, steps.argmax(axis=1) == label_ids),
        ties=int(((steps == highest[:, None]).sum(axis=1) > 1).sum()),
        zeros=int((highest == 0).sum()),
    )


def rounded(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the probabilities as an int8 model's uint8 output has them."""
    return _steps(probabilities) * PROBABILITY_SCALE


def _steps(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.clip(np.rint(np.asarray(probabilities, np.float64) / PROBABILITY_SCALE), 0, _HIGHEST)
    return found


def in_steps(probabilities: NDArray[np.floating]) -> bool:
    """Return whether all probabilities are multiples of 1/256, as those of a uint8 output are; not where all are 0."""
    steps = np.asarray(probabilities, np.float64) / PROBABILITY_SCALE
    return bool(np.equal(steps, np.rint(steps)).all() and steps.any())
