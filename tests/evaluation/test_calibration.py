import numpy as np
import pytest

from edgetl.evaluation.calibration import calibration_error, reliability


def test_by_hand() -> None:
    """Two pictures at 0.9, one right: 0.4 off; two at 0.6, both right: 0.4 off the other way; bins do not cancel."""
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    labels = np.array([0, 1, 1, 1])
    assert calibration_error(probabilities, labels) == pytest.approx(0.4)
    low, high = reliability(probabilities, labels)
    assert (low.pictures, low.confidence, low.accuracy) == (2, pytest.approx(0.6), 1.0)
    assert (high.pictures, high.confidence, high.accuracy) == (2, pytest.approx(0.9), 0.5)
    assert low.low <= 0.6 <= low.high < high.high


def test_a_sure_and_right_model_is_calibrated() -> None:
    labels = np.arange(3).repeat(4)
    assert calibration_error(np.eye(3)[labels], labels) == 0.0
    assert calibration_error(np.eye(3)[(labels + 1) % 3], labels) == 1.0
