"""TFLite files, converted from a frozen graph.

Going through a Keras SavedModel, as `from_keras_model` does, takes ten times as long for the same file.
"""

import collections
from typing import Any

from edgetl.keras import tf

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from edgetl.console import hushed
from edgetl.contract import PROBABILITY_SCALE, Contract
from edgetl.errors import ExportError
from edgetl.export import metadata
from edgetl.export.base import About, Format
from edgetl.export.tflite_reader import read
from edgetl.quantization import scheme_of
from edgetl.quantization.base import FakeQuantize, Samples, Scheme

_TYPES = {value: name for name, value in vars(schema.TensorType).items() if not name.startswith("_")}
_OPERATORS = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
_WITH_BIAS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")  # kernel and bias are inputs 1 and 2
_FLOATS = {"FLOAT16", "FLOAT32", "FLOAT64", "BFLOAT16"}


def float_tflite(model: Any, contract: Contract, precision: str, samples: Samples = lambda: iter(())) -> bytes:
    """From a float Keras model: `image` float32 [1, H, W, 3] in 0..255 to `probabilities` float32 [1, K].

    Args:
        precision: what becomes of the numbers in between, see `edgetl.quantization.SCHEMES`.
        samples: images for a precision whose converter calibrates.
    """

    infer = whole(model, contract)
    content = _converted(infer, contract, scheme_of(precision), samples)
    return _with_whole_biases(content, _converted(infer, contract, scheme_of("float32"), samples)) if precision == "float16" else content


def whole(model: Any, contract: Contract) -> Any:
    """A float Keras model with what its file holds around it: from pixels 0..255 to probabilities by the output's name."""

    def infer(image: Any) -> dict[str, Any]:
        return {contract.output.name: tf.nn.softmax(model(contract.normalize(image), training=False))}

    return infer


def freeze(infer: Any, contract: Contract) -> Any:
    """The function for one image, with its variables as constants."""
    image = tf.TensorSpec([1, contract.height, contract.width, 3], tf.float32, name=contract.input.name)
    return convert_variables_to_constants_v2(tf.function(infer).get_concrete_function(image))


def int8_tflite(model: Any, contract: Contract) -> bytes:
    """From a fake-quantized Keras model: `image` raw uint8 [1, H, W, 3] to `probabilities` uint8 [1, K] in steps of 1/256."""
    ends_in_float = not isinstance(model.layers[-1], FakeQuantize)  # the converter would then leave the output in float, too

    def infer(image: Any) -> dict[str, Any]:
        probabilities = tf.nn.softmax(model(image, training=False))
        if ends_in_float:
            probabilities = tf.quantization.fake_quant_with_min_max_args(probabilities, 0.0, 255 * PROBABILITY_SCALE)
        return {contract.output.name: probabilities}

    return _converted(infer, contract, scheme_of("int8"), lambda: iter(()))


def _converted(infer: Any, contract: Contract, scheme: Scheme, samples: Samples) -> bytes:
    frozen = freeze(infer, contract)
    try:
        with hushed():  # it warns that a SavedModel would be preferred
            converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
            scheme.configure(converter, samples)
            content: bytes = converter.convert()
    except Exception as error:  # the converter raises its own ConverterError and bare RuntimeErrors
        raise ExportError(
            f"the TFLite converter failed: {str(error).splitlines()[0]}",
            "does the model hold a layer that TFLite does not know? if not, please report this text",
        ) from error
    return _named(content, contract)


def _named(content: bytes, contract: Contract) -> bytes:
    """The file with its input and output tensors called as the contract says (the converter calls them after inner operations)."""
    model = read(content)
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].name = contract.input.name.encode()
    graph.tensors[graph.outputs[0]].name = contract.output.name.encode()
    return packed(model)


def _with_whole_biases(halved: bytes, whole: bytes) -> bytes:
    """The float16 file with the float32 file's biases: folded batch norms make some so large that halving them costs more than kernels do.

    The converter halves every constant and puts a DEQUANTIZE behind it.
    """
    model, source = read(halved), read(whole)
    graph = model.subgraphs[0]
    widened = {operator.outputs[0]: operator for operator in graph.operators if _operator(model, operator) == "DEQUANTIZE"}
    with_bias = [[one for one in file.subgraphs[0].operators if _operator(file, one) in _WITH_BIAS] for file in (model, source)]
    for operator, exact in zip(*with_bias, strict=True):
        widening = widened[operator.inputs[2]]
        tensor = graph.tensors[widening.inputs[0]]
        tensor.type = schema.TensorType.FLOAT32
        model.buffers[tensor.buffer].data = source.buffers[source.subgraphs[0].tensors[exact.inputs[2]].buffer].data
        operator.inputs = [*operator.inputs[:2], widening.inputs[0]]
    read_still = {index for operator in graph.operators for index in operator.inputs}
    graph.operators = [one for one in graph.operators if _operator(model, one) != "DEQUANTIZE" or one.outputs[0] in read_still]
    return packed(model)


def packed(model: Any) -> bytes:
    """The schema's objects as a file."""
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def operators(content: bytes) -> collections.Counter[str]:
    """How many there are of each operator."""
    model = read(content)
    return collections.Counter(_operator(model, operator) for operator in model.subgraphs[0].operators)


def _operator(model: Any, operator: Any) -> str:
    code = model.operatorCodes[operator.opcodeIndex]
    return str(_OPERATORS.get(max(code.builtinCode, code.deprecatedBuiltinCode), "an unknown operator"))


def grids(content: bytes) -> dict[str, tuple[np.ndarray, np.ndarray, str]]:
    """Every quantized tensor's scales, zero points and dtype by its name."""
    found = {}
    for tensor in read(content).subgraphs[0].tensors:
        if tensor.quantization is not None and tensor.quantization.scale is not None and len(tensor.quantization.scale):
            found[tensor.name.decode()] = tensor.quantization.scale, tensor.quantization.zeroPoint, _TYPES[tensor.type]
    return found


def without_counterpart(content: bytes) -> set[str]:
    """The tensors that a file of another format may do without.

    What a QUANTIZE reads or writes are the same values as uint8 and as int8; what a PAD writes may be padded by its reader instead.
    """
    model = read(content)
    graph = model.subgraphs[0]
    found: set[int] = set()
    for operator in graph.operators:
        kind = _operator(model, operator)
        found |= {*operator.inputs, *operator.outputs} if kind == "QUANTIZE" else set(operator.outputs) if kind == "PAD" else set()
    return {graph.tensors[index].name.decode() for index in found}


def float_operators(content: bytes) -> list[str]:
    """Every operator with a float tensor, as "CONV_2D (name)"."""
    model = read(content)
    graph = model.subgraphs[0]
    return [
        f"{_operator(model, operator)} ({graph.tensors[operator.outputs[0]].name.decode()})"
        for operator in graph.operators
        if any(_TYPES[graph.tensors[index].type] in _FLOATS for index in [*operator.inputs, *operator.outputs] if index >= 0)
    ]


def check_integer(content: bytes) -> None:
    """Raise ExportError that names every operator with a float tensor."""
    floats = float_operators(content)
    if floats:
        raise ExportError(
            f"the int8 TFLite file still computes in float: {', '.join(floats)}", "choose a backbone whose operators have integer kernels"
        )


def check_bias_scales(content: bytes) -> None:
    """Raise ExportError that names every bias whose scale is not its operator's input scale times kernel scale, which runtimes take it for.

    The converter makes one constant of equal biases (those of layers that never learned), and calibration gives that only one scale.
    """
    model = read(content)
    graph, wrong = model.subgraphs[0], []
    for operator in graph.operators:
        if _operator(model, operator) in _WITH_BIAS and operator.inputs[2] >= 0:
            image, kernel, bias = (graph.tensors[index].quantization.scale for index in operator.inputs[:3])
            if not np.allclose(bias, image * kernel, rtol=1e-3, atol=0):
                wrong.append(graph.tensors[operator.outputs[0]].name.decode())
    if wrong:
        raise ExportError(
            f"the converter gave biases another layer's scale: {', '.join(wrong)}", "train the model: layers with equal biases share them"
        )


def _checked(source: bytes, contract: Contract, precision: str, selective: bool = False) -> bytes:
    if precision == "int8" and not selective:
        check_integer(source)
    if precision == "int16x8":
        check_bias_scales(source)
    return source


def _stamp(content: bytes, contract: Contract, about: About) -> bytes:
    model = read(content)
    graph = model.subgraphs[0]
    takes_bytes = graph.tensors[graph.inputs[0]].type == schema.TensorType.UINT8
    metadata.put(model, metadata.described(contract, about, takes_bytes=takes_bytes))
    return metadata.with_class_names(packed(model), contract)


FORMAT = Format(".tflite", ("float32", "float16", "dynamic_int8", "int8", "int16x8"), _checked, _stamp)
