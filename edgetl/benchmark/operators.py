"""Which layer of the network a profiled operator belongs to: runtimes name operators after tensors, fusions and passes."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgetl.errors import ExportError

# What ONNX Runtime adds to a name: nodes that a pass made anew, blocked layouts, and casts that go with float16.
_ADDED = re.compile(r"^InsertedPrecisionFreeCast_|(_token_\d+|_nchwc)+$")


def with_layers(profile: Sequence[Mapping[str, Any]], model: Path) -> list[dict[str, Any]]:
    """A profile's operators, each with `layer` beside the runtime's own name."""
    tensors = _tensors(model) if model.suffix == ".onnx" else {}

    def layer(operator: str) -> str:
        name = _ADDED.sub("", operator)
        return _layer(tensors.get(name, name))

    return [dict(one) | {"layer": layer(one["operator"])} for one in profile]


def _layer(tensor: str) -> str:
    """The converter joins the names of all that it fused: MODEL/LAYER/OPERATION;MODEL/LAYER/...; other names stay as they are."""
    first = tensor.split(";")[0]
    parts = first.split("/")
    return parts[1] if len(parts) > 2 else first


def _tensors(model: Path) -> dict[str, str]:
    """The tensor with a layer's name that each node makes (a Clip's is what it takes), by the node's name and by its output's."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        graph = onnx.load(model, load_external_data=False).graph
    except (OSError, DecodeError) as error:
        raise ExportError(f"cannot read the operators of {model}: {error}", "it is damaged or of another kind: export it again") from error
    tensors: dict[str, str] = {}
    for node in graph.node:
        candidates = [*node.output, *(node.input[:1] if node.op_type == "Clip" else [])]
        tensor = next((name for name in candidates if "/" in name), node.name)
        tensors |= dict.fromkeys((node.name, *node.output), tensor)
    return tensors
