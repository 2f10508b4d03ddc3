"""What steps of 1/256 do to probabilities."""

import numpy as np
import pytest

from edgetl.evaluation.steps import cost_of_steps, in_steps


def test_the_cost_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1, 0.0], [0.3336, 0.3334, 0.333], [0.333, 0.3336, 0.3334], [0.001, 0.0019, 0.0015]])
    found = cost_of_steps(probabilities, np.array([0, 0, 1, 1]))
    assert (found.ties, found.zeros) == (3, 1)  # 85 steps each in the second and third row, none in the last
    assert (found.cost.only_a, found.cost.only_b, found.cost.drop_points) == (2, 0, 50.0)


@pytest.mark.parametrize("classes", [3, 1000])
def test_what_is_in_steps(classes: int) -> None:
    random = np.random.default_rng(1)
    probabilities = random.dirichlet(np.full(classes, 0.3), 5)
    assert not in_steps(probabilities)
    assert in_steps(np.rint(probabilities * 256) / 256)
    assert in_steps((np.rint(probabilities * 256) / 256).astype(np.float32))
    assert not in_steps(np.zeros((5, classes))), "which says nothing"
