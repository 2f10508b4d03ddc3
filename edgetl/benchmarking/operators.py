"""Find the layer of the network that a profiled operator belongs to: runtimes name operators after tensors, fusions and passes."""

import re
from collections.abc import Sequence
from pathlib import Path

from edgetl.devices.engine_litert import operators
from edgetl.devices.messages import OperatorTime, PlacedOperator, PlacementReport
from edgetl.errors import ExportError

# What ONNX Runtime adds to a name: nodes that a pass rebuilt, blocked layouts, and casts that go with float16.
_ADDED = re.compile(r"^InsertedPrecisionFreeCast_|(_token_\d+|_nchwc)+$")


def with_layers(profile: Sequence[OperatorTime], model: Path) -> tuple[OperatorTime, ...]:
    """Return a profile's operators with their layers."""
    tensors = _tensors(model) if model.suffix == ".onnx" else {}

    def layer(operator: str) -> str:
        name = _ADDED.sub("", operator)
        return layer_of(tensors.get(name, name))

    return tuple(one.model_copy(update={"layer": layer(one.operator)}) for one in profile)


def known(report: PlacementReport, model: Path) -> PlacementReport:
    """Return a device's report with the operators of a TFLite file, where its runtime lists none."""
    if report.operators or model.suffix != ".tflite":
        return report
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    try:
        plain = Interpreter(model_path=str(model), experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    except ValueError:  # this host's LiteRT cannot read it, the device's could
        return report
    found = (PlacedOperator.model_validate(one).model_copy(update={"by": ""}) for one in operators(plain))
    return report.model_copy(update={"operators": tuple(found)})


def layer_of(tensor: str) -> str:
    """Return the layer in a tensor's name. The converter joins the names of all that it fused: MODEL/LAYER/OPERATION;MODEL/LAYER/..."""
    first = tensor.split(";")[0]
    parts = first.split("/")
    return parts[1] if len(parts) > 2 else first


def _tensors(model: Path) -> dict[str, str]:
    """Return, by the name of each node and of its output, the tensor with a layer's name that it makes (or, a Clip, reads)."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        graph = onnx.load(model, load_external_data=False).graph
        names = [name for node in graph.node for name in (node.name, *node.input, *node.output)]
        if not all(isinstance(name, str) for name in names):  # protobuf returns bytes that are not UTF-8 as they are
            raise DecodeError("a name is not UTF-8")
    except (OSError, DecodeError) as error:
        raise ExportError(f"cannot read the operators of {model}: {error}", "it is damaged or of another kind: export it again") from error
    tensors: dict[str, str] = {}
    for node in graph.node:
        candidates = [*node.output, *(node.input[:1] if node.op_type == "Clip" else [])]
        tensor = next((name for name in candidates if "/" in name), node.name)
        tensors |= dict.fromkeys((node.name, *node.output), tensor)
    return tensors
