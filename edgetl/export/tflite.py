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
from edgetl.contract import InputContract
from edgetl.errors import ExportError
from edgetl.export.base import Format

_TYPES = {value: name for name, value in vars(schema.TensorType).items() if not name.startswith("_")}
_OPERATORS = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
_FLOATS = {"FLOAT16", "FLOAT32", "FLOAT64", "BFLOAT16"}


def float_tflite(model: Any, contract: InputContract, precision: str) -> bytes:
    """`float32` or `float16` weights from a float Keras model: `image` float32 [1, H, W, 3] in 0..255 to `probabilities` float32 [1, K]."""

    def infer(image: Any) -> dict[str, Any]:
        return {contract.output_name: tf.nn.softmax(model(contract.normalize(image), training=False))}

    converter = _converter(infer, contract)
    if precision == "float16":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    return _named(_convert(converter), contract)


def int8_tflite(model: Any, contract: InputContract) -> bytes:
    """From a fake-quantized Keras model: `image` raw uint8 [1, H, W, 3] to `probabilities` uint8 [1, K] in steps of 1/256."""

    def infer(image: Any) -> dict[str, Any]:
        return {contract.output_name: tf.nn.softmax(model(image, training=False))}

    converter = _converter(infer, contract)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.inference_input_type = converter.inference_output_type = tf.uint8
    return _named(_convert(converter), contract)


def _converter(infer: Any, contract: InputContract) -> Any:
    image = tf.TensorSpec([1, contract.image_size, contract.image_size, 3], tf.float32, name=contract.input_name)
    frozen = convert_variables_to_constants_v2(tf.function(infer).get_concrete_function(image))
    with hushed():  # it warns that a SavedModel would be preferred
        return tf.lite.TFLiteConverter.from_concrete_functions([frozen])


def _convert(converter: Any) -> bytes:
    try:
        with hushed():
            content: bytes = converter.convert()
    except Exception as error:  # the converter raises its own ConverterError and bare RuntimeErrors
        raise ExportError(
            f"the TFLite converter failed: {str(error).splitlines()[0]}",
            "does the model hold a layer that TFLite does not know? if not, please report this text",
        ) from error
    return content


def _named(content: bytes, contract: InputContract) -> bytes:
    """The file with its input and output tensors called as the contract says (the converter calls them after inner operations)."""
    import flatbuffers

    model = read(content)
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].name = contract.input_name.encode()
    graph.tensors[graph.outputs[0]].name = contract.output_name.encode()
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def read(content: bytes) -> Any:
    """The file as the schema's objects."""
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))


def operators(content: bytes) -> collections.Counter[str]:
    """How many there are of each operator."""
    model = read(content)
    return collections.Counter(_operator(model, operator) for operator in model.subgraphs[0].operators)


def _operator(model: Any, operator: Any) -> str:
    code = model.operatorCodes[operator.opcodeIndex]
    return str(_OPERATORS[max(code.builtinCode, code.deprecatedBuiltinCode)])


def grids(content: bytes) -> dict[str, tuple[np.ndarray, np.ndarray, str]]:
    """Every quantized tensor's scales, zero points and dtype by its name."""
    found = {}
    for tensor in read(content).subgraphs[0].tensors:
        if tensor.quantization is not None and tensor.quantization.scale is not None and len(tensor.quantization.scale):
            found[tensor.name.decode()] = tensor.quantization.scale, tensor.quantization.zeroPoint, _TYPES[tensor.type]
    return found


def type_changes(content: bytes) -> set[str]:
    """The tensors that a QUANTIZE reads or writes: the same values as uint8 and as int8, which other formats hold once."""
    model = read(content)
    graph = model.subgraphs[0]
    changes = [operator for operator in graph.operators if _operator(model, operator) == "QUANTIZE"]
    return {graph.tensors[index].name.decode() for operator in changes for index in [*operator.inputs, *operator.outputs]}


def check_integer(content: bytes) -> None:
    """Raise ExportError that names every operator with a float tensor."""
    model = read(content)
    graph = model.subgraphs[0]
    floats = [
        f"{_operator(model, operator)} ({graph.tensors[operator.outputs[0]].name.decode()})"
        for operator in graph.operators
        if any(_TYPES[graph.tensors[index].type] in _FLOATS for index in [*operator.inputs, *operator.outputs] if index >= 0)
    ]
    if floats:
        raise ExportError(
            f"the int8 TFLite file still computes in float: {', '.join(floats)}", "choose a backbone whose operators have integer kernels"
        )


def _checked(content: bytes, contract: InputContract, precision: str) -> bytes:
    if precision == "int8":
        check_integer(content)
    return content


FORMAT = Format(".tflite", ("float32", "float16", "int8"), _checked)
