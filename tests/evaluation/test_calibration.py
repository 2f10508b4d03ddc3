import numpy as np
import pytest

from edgetl.evaluation.calibration import calibration_error, find_temperature, reliability


def test_by_hand() -> None:
    """Two images at 0.9, one right: 0.4 off; two at 0.6, both right: 0.4 off the other way; bins do not cancel."""
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    labels = np.array([0, 1, 1, 1])
    assert calibration_error(probabilities, labels) == pytest.approx(0.4)
    low, high = reliability(probabilities, labels)
    assert (low.images, low.confidence, low.accuracy) == (2, pytest.approx(0.6), 1.0)
    assert (high.images, high.confidence, high.accuracy) == (2, pytest.approx(0.9), 0.5)
    assert low.low <= 0.6 <= low.high < high.high


def test_a_sure_and_right_model_is_calibrated() -> None:
    labels = np.arange(3).repeat(4)
    assert calibration_error(np.eye(3)[labels], labels) == 0.0
    assert calibration_error(np.eye(3)[(labels + 1) % 3], labels) == 1.0


def drawn(images: int, temperature: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are `temperature` times as large as the odds by which the labels were drawn."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(images, 4)) * 2
    labels = (logits + random.gumbel(size=logits.shape)).argmax(axis=1)
    return logits * temperature, labels


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_is_found(temperature: float) -> None:
    found = find_temperature(*drawn(4000, temperature))
    assert found.temperature == pytest.approx(temperature, rel=0.06)
    assert found.calibration_error_after < 0.03
    assert found.loss_after <= found.loss_before + 1e-3
    if temperature != 1.0:
        assert found.calibration_error_before > 2 * found.calibration_error_after


def test_the_figures_after_are_honest() -> None:
    """Twenty images fix no temperature: what they gain on themselves is not claimed."""
    logits, labels = drawn(20, 1.0)
    found = find_temperature(logits, labels)
    odds = np.exp(logits / found.temperature)
    on_themselves = -np.log((odds / odds.sum(axis=1, keepdims=True))[np.arange(20), labels]).mean()
    assert found.loss_after > on_themselves


def test_a_set_without_a_mistake_does_not_ask_for_certainty() -> None:
    labels = np.arange(4).repeat(5)
    assert find_temperature(np.eye(4)[labels] * 3, labels).temperature >= 0.25
