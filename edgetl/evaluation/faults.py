"""Faults of one model's predictions by themselves, whatever other models say."""

import numpy as np
from numpy.typing import NDArray

from edgetl.evaluation.steps import CURE, in_steps
from edgetl.output import PROBABILITY_SCALE, grain
from edgetl.wording import counted

# Outputs that move by less than two steps (see `grain`) over a whole set are rounding noise around a constant.
_CONSTANT_SPREAD = 2
# Quantization alone moves an image's probability by some seven steps (0.027 on average, measured). A model that names one class for
# everything and moves by no more has not told the images apart either, and its agreement with another such model shows nothing.
_ONE_CLASS_SPREAD = 8
_SUM_ERROR = 0.01  # of a row of probabilities, for softmax tables
_LARGEST_STEPS_ERROR = 0.5  # beyond, most of what a model predicts has been rounded away, however many classes share the rest
_ROUNDED = 1e-4  # above 1, of a sum in floats


def faults(probabilities: NDArray[np.floating], label_ids: NDArray[np.integer], *, sum_is_one: bool) -> tuple[str, ...]:
    """Return what is wrong with predictions [N, K] of one class an image, in words that follow the model's name."""
    if broken := _broken(probabilities):
        return broken
    images = counted(len(label_ids), "image")
    zeros = int((probabilities.max(axis=1) == 0).sum())
    if zeros and sum_is_one:
        return (f"gives 0 for every class of {zeros} of {images}" + (f": {CURE}" if in_steps(probabilities) else ""),)
    if not are_probabilities(probabilities, sum_is_one=sum_is_one):
        return (f"gives values that are not probabilities (0..1, with sum {'1' if sum_is_one else 'at most 1'})",)
    one_class = len(set(probabilities.argmax(axis=1).tolist())) == 1 and len(set(label_ids.tolist())) > 1
    return _constant(probabilities, grain(probabilities.shape[1]), all_alike=one_class)


def faults_of_several(probabilities: NDArray[np.floating], decisions: NDArray[np.bool_], shown: NDArray[np.bool_]) -> tuple[str, ...]:
    """Return what is wrong with predictions [N, K] of several classes an image, with what they decide and what the images show."""
    if broken := _broken(probabilities):
        return broken
    images = counted(len(shown), "image")
    if probabilities.min() < 0 or probabilities.max() > 1 + _ROUNDED:
        return ("gives values that are not probabilities (0..1)",)
    if decisions.all() and not shown.all():
        return (f"finds every class on all of {images}: its agreement shows nothing",)
    differ = bool((shown != shown[0]).any())
    return _constant(probabilities, PROBABILITY_SCALE, all_alike=differ and not (decisions != decisions[0]).any())


def _broken(probabilities: NDArray[np.floating]) -> tuple[str, ...]:
    broken = int((~np.isfinite(probabilities)).any(axis=1).sum())
    return (f"gives NaN or infinity for {broken} of {counted(len(probabilities), 'image')}",) if broken else ()


def _constant(probabilities: NDArray[np.floating], step: float, *, all_alike: bool) -> tuple[str, ...]:
    spread = float((probabilities.max(axis=0) - probabilities.min(axis=0)).max()) / step
    if spread >= (_ONE_CLASS_SPREAD if all_alike else _CONSTANT_SPREAD):
        return ()
    images = counted(len(probabilities), "image")
    return (f"gives the same prediction for all of {images} (moved by {spread:.2g} steps): its agreement shows nothing",)


def are_probabilities(probabilities: NDArray[np.floating], *, sum_is_one: bool = True) -> bool:
    """Return whether all rows of [N, K] are probabilities: 0 to 1, with sum 1, or at most 1 where the model rejects unknown images.

    In steps of 1/256 each of the K may be half a step off, and their sum as many times that, but never so far that most of it is lost.
    """
    rounding = probabilities.shape[1] * PROBABILITY_SCALE / 2 if in_steps(probabilities) else 0.0
    within = probabilities.min() >= 0 and probabilities.max() <= 1 + _ROUNDED
    beyond = probabilities.sum(axis=1) - 1
    allowed = min(rounding, _LARGEST_STEPS_ERROR) + _SUM_ERROR
    return bool(within and (np.abs(beyond) if sum_is_one else beyond).max() <= allowed)
