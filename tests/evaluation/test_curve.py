import numpy as np
import pytest

from edgetl.evaluation.curve import learning_curve, power_law

SIZES = [100, 200, 400, 800, 1600]


def predictions(errors: np.ndarray, seeds: int = 5, images: int = 2000, seed: int = 0) -> np.ndarray:
    """Right or wrong with those probabilities, hard images being hard for all models."""
    hardness = np.random.default_rng(seed).permutation(images) / images
    noise = np.random.default_rng(seed + 1).normal(0, 0.02, (len(errors), seeds, images))
    return hardness + noise > errors[:, None, None]


def test_the_power_law_is_found() -> None:
    shares = np.array(SIZES) / SIZES[-1]
    wanted = np.array([[0.1, 0.5, 0.05], [0.2, 0.3, 0.0], [0.05, 1.0, 0.1]])
    errors = wanted[:, 2:] + wanted[:, :1] * shares ** -wanted[:, 1:2]
    found = power_law(shares, errors)
    np.testing.assert_allclose(found[:, 2:] + found[:, :1] * shares ** -found[:, 1:2], errors, atol=2e-3)
    np.testing.assert_allclose(
        found[:, 2] + found[:, 0] * 2.0 ** -found[:, 1], wanted[:, 2] + wanted[:, 0] * 2.0 ** -wanted[:, 1], atol=4e-3
    )


def test_neither_scale_nor_floor_is_negative() -> None:
    shares = np.array(SIZES) / SIZES[-1]
    rising, falling = power_law(shares, np.array([[0.1, 0.15, 0.2, 0.25, 0.3], [0.4, 0.3, 0.2, 0.1, 0.0]]))
    assert rising[0] == 0
    assert rising[2] == pytest.approx(0.2)
    assert falling[0] > 0
    assert falling[2] >= 0


def test_the_accuracy_with_twice_the_images_is_predicted_within_its_interval() -> None:
    errors = 0.06 + 0.1 * (np.array([*SIZES, 3200]) / 1600) ** -0.5
    right = predictions(errors)
    found = learning_curve(SIZES, right[:-1])
    assert found.law is not None
    assert found.doubled is not None
    assert found.doubled.images == 3200
    truth, before = right[-1].mean(), right[-2].mean()
    assert found.doubled.accuracy_interval_95[0] <= truth <= found.doubled.accuracy_interval_95[1]
    assert found.doubled.gain_points == pytest.approx(100 * (truth - before), abs=1.0)
    assert found.doubled.gain_interval_95[0] < found.doubled.gain_points < found.doubled.gain_interval_95[1]
    assert found.law.predicted_accuracy == pytest.approx(right[-2].mean(), abs=0.015)
    for point, one in zip(found.points, right, strict=False):
        assert point.accuracy == pytest.approx(one.mean())
        assert point.interval_95[0] < point.accuracy < point.interval_95[1]
    assert found.doubled.gain_interval_95[1] - found.doubled.gain_interval_95[0] < 1.5, "the same images for all sizes"
    assert learning_curve(SIZES, right[:-1]) == found


def test_two_sizes_have_no_power_law_and_three_no_check_of_it() -> None:
    right = predictions(np.array([0.3, 0.2, 0.15]))
    two, three = learning_curve(SIZES[:2], right[:2]), learning_curve(SIZES[:3], right)
    assert (two.law, two.doubled, len(two.points)) == (None, None, 2)
    assert three.law is not None
    assert three.law.predicted_accuracy is None
    assert learning_curve(SIZES[:3], right[:, :1]).points[0].std_over_seeds == 0.0
