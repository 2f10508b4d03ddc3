"""The operator that hurts is found, and nothing else is blamed."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from edgetl.data.base import Images
from edgetl.quantization.quantized import QuantizationResult, Quantized, ranged_layers
from edgetl.quantization.results import Damage
from edgetl.quantization.selective import keep_float
from edgetl.quantization.sensitivity import _switchable, sensitivity
from tests.quantization.conftest import Case
from tests.training.conftest import CONTRACT


@pytest.fixture
def small_case(case: Callable[[str], Case]) -> Case:
    return case("small")


@pytest.fixture
def calibrated(quantized: Callable[[str, str], QuantizationResult]) -> Quantized:
    return quantized("ptq_int8", "small").model


def _damages(case: Case, quantized: Quantized) -> dict[str, Damage]:
    images: Images = case.images
    found = sensitivity(case.model, quantized, CONTRACT, images.pixels, images.rows("train")[:32])
    assert [one.logits_change for one in found] == sorted((one.logits_change for one in found), reverse=True)
    return {one.operator: one for one in found}


def test_every_operator_is_looked_at_alone(small_case: Case, calibrated: Quantized) -> None:
    before = small_case.model.get_weights()
    found = _damages(small_case, calibrated)
    assert set(found) == set(calibrated.ranges)
    measured = [one.signal_to_noise_db for one in found.values() if one.signal_to_noise_db is not None]
    assert len(measured) >= len(found) - 1
    assert min(measured) > 20, "8 bits on calibrated ranges"
    for a, b in zip(before, small_case.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_ruined_operator_comes_first(small_case: Case, calibrated: Quantized) -> None:
    for name in [name for name in calibrated.ranges if name != "logits"]:
        low, high = calibrated.ranges[name]
        ruined = replace(calibrated, ranges=calibrated.ranges | {name: (low * 200, high * 200)})  # one or two steps hold all its values
        assert next(iter(_damages(small_case, ruined))) == name


def test_operators_left_in_float_are_not_looked_at(small_case: Case, calibrated: Quantized) -> None:
    kept = keep_float(calibrated, small_case.model, ["block_add", "logits"], take_weights=True)
    assert set(_damages(small_case, kept)) == set(calibrated.ranges) - {"block_add", "logits"}


def test_a_kernel_belongs_to_the_activation_that_reads_it() -> None:
    """Keras orders two branches level by level: both kernels, then both activations."""
    from edgetl.keras import keras, layers

    image = keras.Input((4, 4, 3))
    branches = [layers.ReLU(name=f"{name}_relu")(layers.Conv2D(2, 1, name=name)(image)) for name in ("left", "right")]
    model = keras.Model(image, layers.Dense(2, name="logits")(layers.Flatten()(layers.Add(name="add")(branches))))
    _, operators = _switchable(model, Quantized({}, dict.fromkeys(ranged_layers(model), (0.0, 1.0))))
    held = {name: operator.kernel.name if operator.kernel is not None else "" for name, operator in operators.items()}
    assert held == {"left_relu": "left", "right_relu": "right", "add": "", "logits": "logits"}
