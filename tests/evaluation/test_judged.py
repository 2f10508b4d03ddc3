"""The choice among quantized models of one float model."""

import numpy as np
import pytest

from edgetl.evaluation.judged import Judged, best_of
from edgetl.evaluation.measures import SingleLabel

FLOAT = np.tile([0.9, 0.1], (100, 1))
LABELS = np.zeros(100, np.int64)


def _judged(wrong: int, right: float) -> Judged:
    """Judge a model that gets `wrong` of 100 images wrong and gives the others' class this probability."""
    found = np.tile([right, 1 - right], (100, 1))
    found[:wrong] = [0.4, 0.6]
    return Judged.of(SingleLabel(), FLOAT, found, LABELS)


def test_of_models_that_are_right_alike_the_nearest_to_float_is_best() -> None:
    assert best_of([_judged(0, 0.8), _judged(0, 0.88), _judged(0, 0.99)]) == 1
    assert best_of([_judged(0, 0.88), _judged(0, 0.88)]) == 0, "of equal ones the first, which is the simplest"


def test_one_image_more_is_chance_but_many_are_not() -> None:
    near_but_one_wrong, far = _judged(1, 0.9), _judged(0, 0.6)
    assert near_but_one_wrong.kl < far.kl
    assert best_of([near_but_one_wrong, far]) == 0
    assert best_of([_judged(10, 0.9), far]) == 1, "whatever their distance: 10 images of 100 are no chance"


def test_what_is_judged_is_compared_with_float_and_labels() -> None:
    found = _judged(10, 0.9)
    assert (found.accuracy.top1_accuracy, found.cost.only_a, found.cost.only_b) == (0.9, 10, 0)
    assert found.kl > 0
    assert _judged(0, 0.9).kl == pytest.approx(0)
