"""An accelerator's predictions beside the CPU's."""

import numpy as np
import pytest

from edgetl.benchmarking.beside_cpu import beside_cpu
from edgetl.errors import DeviceError

Rows = list[list[float]]


def predictions(count: int = 20) -> Rows:
    random = np.random.default_rng(1).dirichlet([1, 1, 1], count)
    return [[float(value) for value in row] for row in random]


def test_equal_predictions_pass() -> None:
    found = beside_cpu("phone", predictions(), predictions(), noise=False)
    assert found
    assert (found.images, found.same_top1, found.max_difference, found.failures) == (20, 20, 0, ())


def test_one_near_tie_is_chance_and_two_are_not() -> None:
    ours, theirs = predictions(), predictions()
    for row, failing in ((0, False), (1, True)):
        ours[row], theirs[row] = [0.5, 0.49, 0.01], [0.49, 0.5, 0.01]
        found = beside_cpu("phone", ours, theirs, noise=False)
        assert found
        assert found.same_top1 == 19 - row
        assert bool(found.failures) == failing
    assert "another class than the CPU for 2 of 20 images" in found.failures[0]


@pytest.mark.parametrize("wrong", [[1 / 3, 1 / 3, 1 / 3], [float("nan")] * 3])
def test_an_accelerator_that_computes_nonsense_fails(wrong: list[float]) -> None:
    found = beside_cpu("phone", [wrong] * 20, predictions(), noise=True)
    assert found
    assert any("differ by" in one for one in found.failures)
    assert found.max_difference <= 1


def test_without_predictions_there_is_nothing_to_compare() -> None:
    assert beside_cpu("phone", [], [], noise=False) is None


@pytest.mark.parametrize(("ours", "theirs"), [([[1.0]], []), ([[1.0, 0.0]], [[1.0]]), ([[1.0], [0.5, 0.5]], [[1.0], [1.0]])])
def test_another_form_is_an_error(ours: Rows, theirs: Rows) -> None:
    with pytest.raises(DeviceError, match="phone"):
        beside_cpu("phone", ours, theirs, noise=False)
