"""Check which number formats a TFLite file computes in."""

import collections
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgetl.contract import Contract
from edgetl.errors import ExportError
from edgetl.importing.tflite_reader import read

_WITH_BIAS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")  # kernel and bias are inputs 1 and 2
_TYPES = {value: name for name, value in vars(schema.TensorType).items() if not name.startswith("_")}
_OPERATORS = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
_FLOATS = {"FLOAT16", "FLOAT32", "FLOAT64", "BFLOAT16"}
_INTEGERS = {"INT8", "UINT8"}
# What `class_probabilities` is made of: the logit of unknown images is cut off, and the classes share what is left to them.
_OF_PROBABILITIES = {"SOFTMAX", "LOGISTIC", "SLICE", "STRIDED_SLICE", "MUL", "ADD"}


def operators(content: bytes) -> collections.Counter[str]:
    """Count the operators of each kind."""
    model = read(content)
    return collections.Counter(operator_name(model, operator) for operator in model.subgraphs[0].operators)


def operator_name(model: Any, operator: Any) -> str:
    """Return an operator's kind, such as CONV_2D."""
    code = model.operatorCodes[operator.opcodeIndex]
    return str(_OPERATORS.get(max(code.builtinCode, code.deprecatedBuiltinCode), "an unknown operator"))


def grids(content: bytes) -> dict[str, tuple[np.ndarray, np.ndarray, str]]:
    """Return every quantized tensor's scales, zero points and dtype by its name."""
    found = {}
    for tensor in read(content).subgraphs[0].tensors:
        if tensor.quantization is not None and tensor.quantization.scale is not None and len(tensor.quantization.scale):
            found[tensor.name.decode()] = tensor.quantization.scale, tensor.quantization.zeroPoint, _TYPES[tensor.type]
    return found


def without_counterpart(content: bytes) -> set[str]:
    """Return the tensors that a file of another format may do without.

    What a QUANTIZE reads or writes are the same values as uint8 and as int8; what a PAD writes may be padded by its reader instead.
    """
    model = read(content)
    graph = model.subgraphs[0]
    found: set[int] = set()
    for operator in graph.operators:
        kind = operator_name(model, operator)
        found |= {*operator.inputs, *operator.outputs} if kind == "QUANTIZE" else set(operator.outputs) if kind == "PAD" else set()
    return {graph.tensors[index].name.decode() for index in found}


def float_operators(content: bytes, *, float_end: bool = False) -> list[str]:
    """Name every operator with a float tensor, as "CONV_2D (name)".

    Args:
        float_end: leave out those that make the probabilities of integer logits at the end.
    """
    model = read(content)
    graph = model.subgraphs[0]
    allowed = _float_end(model) if float_end else []
    return [
        f"{operator_name(model, operator)} ({graph.tensors[operator.outputs[0]].name.decode()})"
        for operator in graph.operators
        if operator not in allowed
        and any(_TYPES[graph.tensors[index].type] in _FLOATS for index in [*operator.inputs, *operator.outputs] if index >= 0)
    ]


def check_integer(content: bytes, contract: Contract) -> None:
    """Raise ExportError that names every operator with a float tensor, but for what makes the probabilities where the contract ends so."""
    floats = float_operators(content, float_end=contract.ends_in_float)
    if floats:
        raise ExportError(
            f"the int8 TFLite file still computes in float: {', '.join(floats)}", "choose a backbone whose operators have integer kernels"
        )


def _float_end(model: schema.ModelT) -> list[schema.OperatorT]:
    """Return the operators from the DEQUANTIZE of integer logits to the output; none where the probabilities are made of anything else."""
    graph = model.subgraphs[0]
    writers = {index: operator for operator in graph.operators for index in operator.outputs}
    found: list[schema.OperatorT] = []
    places = list(graph.outputs)
    while places:
        place = places.pop()
        operator = writers.get(place)
        if model.buffers[graph.tensors[place].buffer].data is not None or operator in found:
            continue
        if operator is None:
            return []  # the image
        kind = operator_name(model, operator)
        if kind not in _OF_PROBABILITIES and not (kind == "DEQUANTIZE" and _TYPES[graph.tensors[operator.inputs[0]].type] in _INTEGERS):
            return []
        found.append(operator)
        places += [] if kind == "DEQUANTIZE" else list(operator.inputs)
    return found


def with_bias(model: schema.ModelT) -> list[schema.OperatorT]:
    """Return the operators that have a kernel and a bias, in order."""
    return [one for one in model.subgraphs[0].operators if operator_name(model, one) in _WITH_BIAS and one.inputs[2] >= 0]


def check_bias_scales(content: bytes) -> None:
    """Raise ExportError that names every bias whose scale is not its operator's input scale times kernel scale, which runtimes take it for.

    The converter makes one constant of equal biases (those of layers that never learned), and calibration gives that only one scale.
    """
    model = read(content)
    graph, wrong = model.subgraphs[0], []
    for operator in with_bias(model):
        image, kernel, bias = (graph.tensors[index].quantization.scale for index in operator.inputs[:3])
        if not np.allclose(bias, image * kernel, rtol=1e-3, atol=0):
            wrong.append(graph.tensors[operator.outputs[0]].name.decode())
    if wrong:
        raise ExportError(
            f"the converter gave biases another layer's scale: {', '.join(wrong)}", "train the model: layers with equal biases share them"
        )
