"""Operators that stay in float among integers: exactly those, in Keras and in the file."""

from collections.abc import Callable

import numpy as np
import pytest

from edgetl.errors import UsageError
from edgetl.export import tflite_checks, tflite_writer
from edgetl.quantization.quantized import QuantizationResult
from edgetl.quantization.selective import keep_float
from tests.quantization.conftest import Case
from tests.training.conftest import CONTRACT

GetQuantized = Callable[[str, str], QuantizationResult]


@pytest.mark.parametrize(
    ("operator", "kernels"),
    [("stem_relu", {"stem", "block_depthwise"}), ("block_add", {"last"}), ("last_relu", {"last"}), ("pool", {"logits"})],
)
def test_an_operator_and_its_readers_get_their_kernels_back(
    operator: str, kernels: set[str], case: Callable[[str], Case], quantized: GetQuantized
) -> None:
    model, made = case("small").model, quantized("ptq_int8", "small").model
    kept = keep_float(made, model, [operator], take_weights=True)
    assert set(made.ranges) - set(kept.ranges) == {operator}
    changed = {name for name in made.weights if (made.weights[name][0] != kept.weights[name][0]).any()}
    assert changed == kernels
    for name in kernels:
        np.testing.assert_array_equal(kept.weights[name][0], model.get_layer(name).get_weights()[0])
    untouched = keep_float(made, model, [operator], take_weights=False)
    assert all((made.weights[name][0] == untouched.weights[name][0]).all() for name in made.weights)


def test_the_file_computes_them_in_float_and_nothing_else(case: Callable[[str], Case], quantized: GetQuantized) -> None:
    model = case("small").model
    made = quantized("ptq_int8", "small").model
    kept = keep_float(made, model, ["block_relu"], take_weights=True)
    content = tflite_writer.int8_tflite(kept.to_keras(model, CONTRACT), CONTRACT)
    floats = [name.split(" ")[0] for name in tflite_checks.float_operators(content)]
    assert sorted(floats) == ["CONV_2D", "DEPTHWISE_CONV_2D", "DEQUANTIZE", "QUANTIZE"], "the depthwise one, and the projection behind it"
    assert tflite_checks.operators(content)["CONV_2D"] == 3


def test_an_operator_that_does_not_exist_is_named(case: Callable[[str], Case], quantized: GetQuantized) -> None:
    with pytest.raises(UsageError, match=r"no operator is called 'stem_rule'\n.*stem_relu"):
        keep_float(quantized("ptq_int8", "small").model, case("small").model, ["stem_rule"], take_weights=True)
