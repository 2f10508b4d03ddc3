import math

import numpy as np
import pytest

from edgetl.evaluation.agreement import compare


def test_numbers_by_hand() -> None:
    a = np.array([[0.75, 0.25], [0.5, 0.5], [0.25, 0.75]])
    b = np.array([[0.75, 0.25], [0.25, 0.75], [0.5, 0.5]])
    found = compare(a, b)
    assert found.images == 3
    assert found.disagreements == 2  # row 1: class 0 (the lower of a tie) against 1; row 2: 1 against 0
    assert found.top1_agreement == pytest.approx(1 / 3)
    assert found.max_steps == 64
    assert found.mean_steps == pytest.approx(64 * 4 / 6)
    assert found.mean_abs_dp == pytest.approx((0 + 0.25 + 0.25) / 3)
    there = 0.5 * math.log(0.5 / 0.25) + 0.5 * math.log(0.5 / 0.75)
    back = 0.25 * math.log(0.25 / 0.5) + 0.75 * math.log(0.75 / 0.5)
    assert found.kl == pytest.approx((there + back) / 3)


def test_worst_are_first_the_other_predictions_then_the_farthest_apart() -> None:
    a = np.tile([0.6, 0.4], (14, 1))
    b = a.copy()
    b[3], b[5] = [0.9, 0.1], [0.95, 0.05]  # far apart, same answer
    b[8], b[2] = [0.45, 0.55], [0.4, 0.6]  # another answer
    assert compare(a, b).worst[:4] == (2, 8, 5, 3)
    assert len(compare(a, b).worst) == 10
    assert len(compare(a[:4], b[:4]).worst) == 4


def test_a_difference_means_the_same_for_two_classes_and_for_a_thousand() -> None:
    for classes in (2, 1000):
        a, b = np.zeros((1, classes)), np.zeros((1, classes))
        a[0, :2], b[0, :2] = [0.9, 0.1], [0.6, 0.4]
        assert compare(a, b).mean_abs_dp == pytest.approx(0.3)


def test_symmetry_identity_and_bounds() -> None:
    for seed in range(20):
        random = np.random.default_rng(seed)
        shape = int(random.integers(1, 40)), int(random.integers(2, 9))
        a, b = (random.dirichlet(np.ones(shape[1]) / 3, shape[0]) for _ in range(2))
        there, back, itself = compare(a, b), compare(b, a), compare(a, a)
        assert (there.disagreements, there.worst) == (back.disagreements, back.worst)
        assert there.mean_abs_dp == pytest.approx(back.mean_abs_dp)
        assert (itself.top1_agreement, itself.max_steps, itself.kl) == (1.0, 0.0, 0.0)
        assert there.kl >= 0
        assert 0 <= there.mean_steps <= there.max_steps <= 256
        classes = random.permutation(shape[1])
        assert compare(a[:, classes], b[:, classes]).mean_abs_dp == pytest.approx(there.mean_abs_dp)


def test_zeros_of_a_quantized_output_give_a_finite_divergence() -> None:
    assert math.isfinite(compare(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])).kl)


def test_disagreements_that_steps_alone_explain_are_counted() -> None:
    sure = np.array([[0.6, 0.3, 0.1], [0.3, 0.4, 0.3], [0.2, 0.3, 0.5]])
    steps = np.array([[154, 77, 26], [90, 90, 76], [100, 56, 100]]) / 256  # the second and third row: tied, and class 0 comes first
    for there, back in ((sure, steps), (steps, sure)):
        found = compare(there, back)
        assert (found.disagreements, found.ties) == (2, 2)
    other = compare(sure, steps[:, [1, 0, 2]])
    assert (other.disagreements, other.ties) == (3, 2), "the first row names another class by itself"
    assert compare(sure, steps + 1e-4).ties == 0, "equal floats are no matter of steps"


def test_the_divergence_of_many_classes_is_not_floored_away() -> None:
    """Where the floor was above an even share, all that an unsure model says was lost."""
    random = np.random.default_rng(0)
    a, b = (random.dirichlet(np.full(1000, 5.0), 3) for _ in range(2))
    exact = (a * np.log(a / b)).sum(axis=1).mean()
    assert compare(a, b).kl == pytest.approx(exact, rel=0.2)


def test_nonsense_is_refused() -> None:
    for a, b in (((2, 3), (2, 4)), ((0, 3), (0, 3)), ((3,), (3,))):
        with pytest.raises(ValueError, match="not both"):
            compare(np.zeros(a), np.zeros(b))
