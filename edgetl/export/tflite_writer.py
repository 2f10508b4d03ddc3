"""TFLite files, converted from a frozen graph.

Going through a Keras SavedModel, as `from_keras_model` does, takes ten times as long for the same file.
"""

from collections.abc import Callable
from typing import Any

from edgetl.keras import class_probabilities, tf

from ai_edge_litert import schema_py_generated as schema
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from edgetl.console import hushed
from edgetl.contract import Contract
from edgetl.errors import ExportError
from edgetl.export.base import Conversion
from edgetl.export.tflite_checks import check_bias_scales, check_integer, operator_name, with_bias
from edgetl.export.tflite_integers import integer_tflite
from edgetl.export.tflite_joined import joined
from edgetl.importing.grids import Numbers
from edgetl.importing.tflite_reader import packed, read
from edgetl.output import PROBABILITY_SCALE
from edgetl.quantization import scheme_of
from edgetl.quantization.base import Samples, integers
from edgetl.quantization.quantized import FakeQuantize

Configure = Callable[[Any, Samples], None]  # asks a TFLiteConverter for a precision


def convert(conversion: Conversion) -> bytes:
    """Convert a Keras model, float or fake-quantized as its precision's scheme asks. Raises ExportError."""
    scheme, contract = conversion.scheme, conversion.contract
    if scheme.quantize is None:
        content = float_tflite(conversion.model, contract, conversion.precision, conversion.samples)
        if scheme.weights_from:
            check_bias_scales(content)
        return content
    content = int8_tflite(conversion.model, contract, scheme.configure, conversion.own)
    if not conversion.selective:
        check_integer(content, contract)
    return content


def float_tflite(model: Any, contract: Contract, precision: str, samples: Samples = lambda: iter(())) -> bytes:
    """Convert a float Keras model: `image` float32 [1, H, W, 3] in 0..255 to `probabilities` float32 [1, K].

    Args:
        precision: what becomes of the numbers in between, see `edgetl.quantization.SCHEMES`.
        samples: images for a precision whose converter calibrates.
    """
    infer, scheme = with_ends(model, contract), scheme_of(precision)
    content = _converted(freeze(infer, contract), contract, scheme.configure, samples)
    exact = _converted(freeze(infer, contract), contract) if scheme.keeps_float_biases else b""
    return _with_float_biases(content, exact) if exact else content


def _as_it_is(converter: Any, samples: Samples) -> None:
    """Leave all numbers in float32."""


def with_ends(model: Any, contract: Contract) -> Any:
    """Return a float Keras model with what its file holds around it: from pixels 0..255 to probabilities by the output's name."""

    def infer(image: Any) -> dict[str, tf.Tensor]:
        return {contract.output.name: class_probabilities(model(contract.normalize(image), training=False), contract.output)}

    return infer


def freeze(infer: Any, contract: Contract, shape: tuple[int, ...] = ()) -> Any:
    """Return the function for one image, or one input of another shape, with its variables as constants."""
    takes = tf.TensorSpec([1, *(shape or contract.shape)], tf.float32, name=contract.input.name)
    return convert_variables_to_constants_v2(tf.function(infer).get_concrete_function(takes))


def int8_tflite(model: Any, contract: Contract, configure: Configure = integers, own: Numbers | None = None) -> bytes:
    """Convert a fake-quantized Keras model: `image` raw uint8 [1, H, W, 3] to `probabilities` [1, K].

    They are uint8 in steps of 1/256, or float32 where the contract says so. A sigmoid is LOGISTIC, whose int8 output has the grid of those
    steps by TFLite's specification, as SOFTMAX has.

    Args:
        own: the integers that the file is to have; None: those that the converter finds.
    """
    if contract.ends_in_float:
        logits = _float_logits(model, contract, configure) if own is None else integer_tflite(model, contract, own)
        return joined(logits, _float_end(contract, model.output_shape[1:]), "float_logits")
    if own is not None:
        return integer_tflite(model, contract, own)
    float_logits = not isinstance(model.layers[-1], FakeQuantize)  # the converter would then leave the output in float, too

    def infer(image: Any) -> dict[str, tf.Tensor]:
        probabilities = class_probabilities(model(image, training=False), contract.output, _on_grid)
        if float_logits:
            probabilities = tf.quantization.fake_quant_with_min_max_args(probabilities, 0.0, 255 * PROBABILITY_SCALE)
        return {contract.output.name: probabilities}

    return _converted(freeze(infer, contract), contract, configure)


def _on_grid(values: Any, highest: float) -> Any:
    return tf.quantization.fake_quant_with_min_max_args(values, 0.0, 255 * PROBABILITY_SCALE * highest)


def _float_logits(model: Any, contract: Contract, configure: Configure) -> bytes:
    """Convert the model up to its logits, made float: the converter would put a softmax or sigmoid behind them onto its own grid."""

    def infer(image: Any) -> dict[str, tf.Tensor]:
        return {contract.output.name: model(image, training=False)}

    def ending_in_float(converter: Any, samples: Samples) -> None:
        configure(converter, samples)
        converter.inference_output_type = tf.float32

    return _converted(freeze(infer, contract), contract, ending_in_float)


def _float_end(contract: Contract, logits: tuple[int, ...]) -> bytes:
    """Convert what becomes of logits of this shape, (K,) or (K + 1,), in float: a softmax or sigmoids, and what is behind them."""

    def infer(logits: tf.Tensor) -> dict[str, tf.Tensor]:
        return {contract.output.name: class_probabilities(logits, contract.output)}

    return _converted(freeze(infer, contract, logits), contract)


def _converted(frozen: Any, contract: Contract, configure: Configure = _as_it_is, samples: Samples = lambda: iter(())) -> bytes:
    try:
        with hushed():  # it warns that a SavedModel would be preferred
            converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
            configure(converter, samples)
            content: bytes = converter.convert()
    except Exception as error:
        # TensorFlow's own ConverterError has no public name. Anything else, such as a fault of ours in a sample, is not its failure.
        if not isinstance(error, (RuntimeError, ValueError, tf.errors.OpError)) and type(error).__name__ != "ConverterError":
            raise
        raise ExportError(
            f"the TFLite converter failed: {str(error).splitlines()[0]}",
            "the model may have a layer that TFLite does not support; if not, report this message in an issue",
        ) from error
    return _named(content, contract)


def _named(content: bytes, contract: Contract) -> bytes:
    """Return the file with its input and output tensors called as the contract says (the converter calls them after inner operations)."""
    model = read(content)
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].name = contract.input.name.encode()
    graph.tensors[graph.outputs[0]].name = contract.output.name.encode()
    return packed(model)


def _with_float_biases(halved: bytes, exact: bytes) -> bytes:
    """Return the file with the float32 file's biases: folded batch norms make some so large that halving them costs more than kernels do.

    The converter halves every constant and puts a DEQUANTIZE behind it.
    """
    model, source = read(halved), read(exact)
    graph = model.subgraphs[0]
    widened = {operator.outputs[0]: operator for operator in graph.operators if operator_name(model, operator) == "DEQUANTIZE"}
    for operator, original in zip(*(with_bias(file) for file in (model, source)), strict=True):
        widening = widened[operator.inputs[2]]
        tensor = graph.tensors[widening.inputs[0]]
        tensor.type = schema.TensorType.FLOAT32
        model.buffers[tensor.buffer].data = source.buffers[source.subgraphs[0].tensors[original.inputs[2]].buffer].data
        operator.inputs = [*operator.inputs[:2], widening.inputs[0]]
    read_still = {index for operator in graph.operators for index in operator.inputs}
    graph.operators = [one for one in graph.operators if operator_name(model, one) != "DEQUANTIZE" or one.outputs[0] in read_still]
    return packed(model)
