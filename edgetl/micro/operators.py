"""The operators of TensorFlow Lite Micro, and the check that a file needs no others."""

import re

from ai_edge_litert import schema_py_generated as schema

from edgetl.errors import ExportError
from edgetl.importing.tflite_reader import read

_NAMES = {number: name for name, number in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
_TYPES = {number: name for name, number in vars(schema.TensorType).items() if not name.startswith("_")}
# Of `MicroMutableOpResolver`, in October 2026: what an image classifier may have. Audio, control flow and variables are left out.
_KNOWN = re.findall(
    r"\w+",
    """
    ABS ADD ADD_N ARG_MAX ARG_MIN AVERAGE_POOL_2D BATCH_MATMUL BATCH_TO_SPACE_ND BROADCAST_TO CAST CEIL CONCATENATION CONV_2D COS CUMSUM
    DEPTH_TO_SPACE DEPTHWISE_CONV_2D DEQUANTIZE DIV ELU EQUAL EXP EXPAND_DIMS FILL FLOOR FLOOR_DIV FLOOR_MOD FULLY_CONNECTED GATHER
    GATHER_ND GREATER GREATER_EQUAL HARD_SWISH L2_NORMALIZATION L2_POOL_2D LEAKY_RELU LESS LESS_EQUAL LOG LOGICAL_AND LOGICAL_NOT
    LOGICAL_OR LOGISTIC LOG_SOFTMAX MAX_POOL_2D MAXIMUM MEAN MINIMUM MIRROR_PAD MUL NEG NOT_EQUAL PACK PAD PADV2 PRELU QUANTIZE
    REDUCE_MAX REDUCE_MIN RELU RELU6 RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR ROUND RSQRT SELECT_V2 SHAPE SIN SLICE SOFTMAX
    SPACE_TO_BATCH_ND SPACE_TO_DEPTH SPLIT SPLIT_V SQRT SQUARE SQUARED_DIFFERENCE SQUEEZE STRIDED_SLICE SUB SUM TANH TRANSPOSE
    TRANSPOSE_CONV UNPACK ZEROS_LIKE
    """,
)
_SPELLED = {"BATCH_MATMUL": "BatchMatMul", "CUMSUM": "CumSum", "PADV2": "PadV2"}  # otherwise than by the rule
ETHOS_U = "ethos-u"  # the custom operator that Arm's compiler makes of all that its NPU runs
_OF_BYTES = {"QUANTIZE", "RESHAPE", "CAST"}  # that take uint8; all other kernels have int8, int16 and float only
_INTEGERS = {"UINT8", "INT8", "INT16"}
_INPUTS, _OUTPUTS = {"UINT8", "INT8"}, {"UINT8", "INT8", "FLOAT32"}


def check(content: bytes) -> None:
    """Raise ExportError unless TensorFlow Lite Micro can run a TFLite file, with the name of what it cannot run."""
    model = read(content)
    if len(model.subgraphs) != 1:
        raise ExportError(f"the file has {len(model.subgraphs)} graphs", "TensorFlow Lite Micro is used with one: export the model again")
    [graph] = model.subgraphs
    refused = sorted({fault for operator in graph.operators if (fault := _fault(model, graph, operator))})
    if refused:
        raise ExportError(
            f"TensorFlow Lite Micro cannot run {', '.join(refused)}",
            "choose a backbone and a quantization without these operators, such as mobilenet_v2 with int8",
        )
    for name, indices, types in (("takes", graph.inputs, _INPUTS), ("gives", graph.outputs, _OUTPUTS)):
        found = [_TYPES[graph.tensors[index].type] for index in indices]
        if len(found) != 1 or found[0] not in types:
            raise ExportError(
                f"the file {name} {' and '.join(found).lower()}, where a microcontroller's has to take bytes and give one row",
                "export int8: float32 and float16 files are not for microcontrollers",
            )


def in_float(content: bytes) -> bool:
    """Return whether a TFLite file computes nothing in integers. Raises ExportError where it cannot be read."""
    graph = read(content).subgraphs[0]
    made = {_TYPES[graph.tensors[index].type] for operator in graph.operators for index in operator.outputs if index >= 0}
    return not made & _INTEGERS


def _fault(model: schema.ModelT, graph: schema.SubGraphT, operator: schema.OperatorT) -> str:
    """Return what an operator has that TensorFlow Lite Micro has not; empty: nothing."""
    kind = kind_of(model, operator)
    tensors = [graph.tensors[index] for index in (*operator.inputs, *operator.outputs) if index >= 0]
    place = place_of(model, graph, operator)
    if kind not in _KNOWN and kind != ETHOS_U:
        return place
    if any(-1 in tuple(tensor.shapeSignature if tensor.shapeSignature is not None else ()) for tensor in tensors):
        return f"{place}, whose shape is not fixed"
    of_bytes = [tensor for tensor in tensors if _TYPES[tensor.type] == "UINT8"]
    if of_bytes and kind not in _OF_BYTES | {ETHOS_U}:
        return f"{place} of uint8"
    return ""


def place_of(model: schema.ModelT, graph: schema.SubGraphT, operator: schema.OperatorT) -> str:
    """Return an operator's kind and where it is, such as "MEAN (net/pool/Mean)"; vela makes operators without any output.

    The converter joins the names of all that became one operator by ";": the first says where that is.
    """
    kind = kind_of(model, operator)
    name = graph.tensors[operator.outputs[0]].name.decode(errors="replace").partition(";")[0] if len(operator.outputs) else ""
    return f"{kind} ({name})" if name else kind


def kind_of(model: schema.ModelT, operator: schema.OperatorT) -> str:
    """Return an operator's kind, such as CONV_2D; of a custom one its own name."""
    code = model.operatorCodes[operator.opcodeIndex]
    if code.customCode:
        return str(code.customCode.decode(errors="replace"))
    return str(_NAMES.get(max(code.builtinCode, code.deprecatedBuiltinCode), "an unknown operator"))


def resolvers(content: bytes) -> list[str]:
    """Return the methods of `MicroMutableOpResolver` that register a file's operators, in the order of the alphabet: AddConv2D."""
    model = read(content)
    return sorted({_resolver(kind_of(model, operator)) for operator in model.subgraphs[0].operators})


def _resolver(kind: str) -> str:
    if kind == ETHOS_U:
        return "AddEthosU"
    words = _SPELLED.get(kind) or "".join(word if word == "2D" else word.capitalize() for word in kind.split("_"))
    return f"Add{words}"
