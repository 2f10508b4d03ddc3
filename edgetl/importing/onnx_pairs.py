"""ONNX's fused integer operators as the plain ones between Q/DQ pairs that they stand for."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx

# The plain operator, and how many of the leading inputs are values, each with its scale and zero point; the output's two follow.
_FUSED = {
    **{"QLinearConv": ("Conv", 2), "QLinearMatMul": ("MatMul", 2), "QGemm": ("Gemm", 2)},
    **{"QLinearAdd": ("Add", 2), "QLinearMul": ("Mul", 2), "QLinearGlobalAveragePool": ("GlobalAveragePool", 1)},
    **{"QLinearAveragePool": ("AveragePool", 1), "QLinearSoftmax": ("Softmax", 1), "QLinearSigmoid": ("Sigmoid", 1)},
    **{"QLinearLeakyRelu": ("LeakyRelu", 1)},
}
_JOIN = "QLinearConcat"  # whose output's scale and zero point come first, then any number of values
_OF_THE_RUNTIME = ("channels_last", "opset")  # attributes that the plain operators do not have


def unfused(model: "onnx.ModelProto", constants: dict[str, np.ndarray]) -> list["onnx.NodeProto"]:
    """Return the nodes of a graph with fused ones taken apart; scales of biases are added to the constants.

    A node that is not as ONNX Runtime writes it stays, and is unknown.
    """
    return [one for node in model.graph.node for one in _pairs(node, constants)]


def _pairs(node: "onnx.NodeProto", constants: dict[str, np.ndarray]) -> Iterator["onnx.NodeProto"]:
    from onnx import helper

    plain, values = _FUSED.get(node.op_type, ("Concat", (len(node.input) - 2) // 3))
    known = (node.op_type in _FUSED or node.op_type == _JOIN) and len(node.output) == 1 and len(node.input) >= 3 * values + 2
    if not known or any(one.name == "channels_last" and one.i for one in node.attribute):
        yield node
        return
    inputs = list(node.input)
    ends = inputs[:2] if node.op_type == _JOIN else inputs[-2:] if node.op_type == "QGemm" else inputs[3 * values : 3 * values + 2]
    start = 2 if node.op_type == _JOIN else 0
    name, read = node.output[0], []
    for place in range(values):
        given = inputs[start + 3 * place : start + 3 * place + 3]
        read.append(f"{name}/input_{place}")
        axis = _axis(node) if place else 0
        yield helper.make_node("DequantizeLinear", given, [read[-1]], f"{name}/dequantize_{place}", axis=axis)
    bias = inputs[6] if node.op_type == "QGemm" else inputs[8] if node.op_type == "QLinearConv" and len(inputs) > 8 else ""
    if bias and {inputs[1], inputs[4]} <= set(constants) and constants[inputs[1]].size == 1:
        scale = f"{name}/bias_scale"
        constants[scale] = (constants[inputs[1]] * constants[inputs[4]]).astype(np.float32)
        read.append(f"{name}/bias")
        yield helper.make_node("DequantizeLinear", [bias, scale], [read[-1]], f"{name}/dequantize_bias", axis=0)
    made = helper.make_node(plain, read, [f"{name}/real"], node.name or name)
    made.attribute.extend(one for one in node.attribute if one.name not in _OF_THE_RUNTIME)
    yield made
    yield helper.make_node("QuantizeLinear", [made.output[0], *ends], [name], f"{name}/quantize")


def _axis(node: "onnx.NodeProto") -> int:
    """Return the axis of a kernel's output channels."""
    if node.op_type == "QLinearConv" or any(one.name == "transB" and one.i for one in node.attribute):
        return 0
    return 1
