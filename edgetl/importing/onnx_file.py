"""ONNX files: parsed and bounded, weights beside the file included, and made into the neutral graph node by node."""

import json
from ast import literal_eval
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgetl.errors import ModelFileError
from edgetl.importing.base import Origin, Unsupported, Wish, damaged
from edgetl.importing.graph import MOST_NODES, Graph, Importer, Sketch
from edgetl.importing.onnx_grids import PAIRS, Integers
from edgetl.importing.onnx_node import OnnxNode
from edgetl.importing.onnx_pairs import unfused
from edgetl.importing.operators import FIRST, LAST, Shape

if TYPE_CHECKING:
    import onnx
    from google.protobuf.message import Message

LARGEST_BYTES = 1 << 30  # ten times a large classifier's weights
_BYTES = (2, 3)  # ONNX's numbers of uint8 and int8
_CLASS_NAMES = ("labels", "class_names", "classes", "names")  # keys of metadata that exporters write them under
_LARGEST_TEXT = 1 << 20


def _takes(path: Path) -> bool:
    return path.suffix.lower() == ".onnx" and path.is_file()


def _read(path: Path, wish: Wish) -> tuple[Graph, Origin]:
    from edgetl.importing import onnx_operators
    from edgetl.importing.onnx_constants import arrays

    model = _parsed(path)
    opset = next((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), 0)
    if len(model.graph.node) > MOST_NODES or not 7 <= opset <= 30:
        raise ModelFileError(f"{path} has {len(model.graph.node)} nodes of opset {opset}", "export it with an opset from 9 to 22")
    try:
        constants = arrays(model, path)
        sketch, integers = _begun(path, model, constants, wish), Integers()
        nodes = unfused(model, constants)
    except (Unsupported, ValueError, TypeError, OverflowError, MemoryError, OSError) as error:
        raise damaged(path, error) from error
    if model.graph.input and _elements(model, sketch.input) in _BYTES:
        integers.names.add(sketch.input)
    for node in nodes:
        what = f"{node.op_type} {node.name or (node.output[0] if node.output else '')!r}"
        if sketch.lost & set(node.input) and node.op_type in (*onnx_operators.KNOWN, *PAIRS):
            sketch.lost.update(node.output)
            continue
        with sketch.noting(what, node.output):
            _add(OnnxNode(node, opset, sketch), integers)
    outputs = [one.name for one in model.graph.output]
    if len(outputs) != 1:
        raise ModelFileError(f"{path} has {len(outputs)} outputs; a classifier has one", "export the network with its logits alone")
    try:
        graph = sketch.graph(outputs[0])
    except Unsupported as error:
        raise damaged(path, error) from error
    return graph, Origin(_producer(model), _class_names(model), _elements(model, sketch.input) in _BYTES)


def _add(node: OnnxNode, integers: Integers) -> None:
    """Add a node, with the grids of a quantized file."""
    from edgetl.importing import onnx_operators

    if node.node.op_type in PAIRS:
        integers.pair(node)
        return
    integers.check(node)
    before = len(node.sketch.nodes)
    onnx_operators.add(node)
    integers.kernels(node, node.sketch.nodes[before:])


def _elements(model: "onnx.ModelProto", name: str) -> int:
    """Return ONNX's number of the type of the image."""
    return next((int(one.type.tensor_type.elem_type) for one in model.graph.input if one.name == name), 0)


def _parsed(path: Path) -> "onnx.ModelProto":
    import onnx
    from google.protobuf.message import DecodeError

    if path.stat().st_size > LARGEST_BYTES:
        raise ModelFileError(f"{path} is larger than {LARGEST_BYTES >> 20} MiB", "edgetl imports classifiers for small devices")
    try:
        parsed: onnx.ModelProto = onnx.ModelProto.FromString(path.read_bytes())
    except (DecodeError, OSError) as error:
        raise damaged(path, error) from error
    if not all(isinstance(text, str) for text in _texts(parsed)):  # protobuf leaves those as bytes
        raise damaged(path, "it holds text that is not UTF-8")
    return parsed


def _texts(message: "Message") -> Iterator[str | bytes]:
    """Yield all that is text by the format's definition: names, types and descriptions."""
    for field, value in message.ListFields():
        if field.type in (field.TYPE_STRING, field.TYPE_MESSAGE):
            for one in value if field.is_repeated else [value]:
                yield from [one] if field.type == field.TYPE_STRING else _texts(one)


def _begun(path: Path, model: "onnx.ModelProto", constants: dict[str, np.ndarray], wish: Wish) -> Sketch:
    """Return a sketch that knows the input and the constants."""
    inputs = [one for one in model.graph.input if one.name not in constants]
    if len(inputs) != 1 or not inputs[0].type.HasField("tensor_type"):
        raise ModelFileError(f"{path} has {len(inputs)} inputs; a classifier has one image", "export the network with its image alone")
    extents = [one.dim_value if one.HasField("dim_value") and one.dim_value > 0 else 0 for one in inputs[0].type.tensor_type.shape.dim]
    if len(extents) != 4:
        raise ModelFileError(f"{path} reads {extents}, which is not an image", "edgetl imports image classifiers")
    layout = LAST if extents[3] in (1, 3, 4) and extents[1] not in (1, 3, 4) else FIRST
    size, channels = layout.split(tuple(extents))
    if 0 in size:
        size = wish.open_size(path)
    shape: Shape = layout.join(size, channels or 3)
    sketch = Sketch(path, layout, constants=constants)
    sketch.start(inputs[0].name, shape)
    return sketch


def _producer(model: "onnx.ModelProto") -> str:
    name = f"{model.producer_name} {model.producer_version}".strip()[:100] or "unknown"
    dynamo = any(one.domain.startswith("pkg.torch") or one.domain == "pkg.onnxscript.torch_lib" for one in model.opset_import) or any(
        one.key.startswith("pkg.torch.") for node in model.graph.node[:1] for one in node.metadata_props
    )
    return f"{name}, dynamo" if dynamo else name


def _class_names(model: "onnx.ModelProto") -> tuple[str, ...]:
    """Return the class names in the metadata, written as lines, as JSON or as Python's dictionary of numbers; empty: there are none."""
    for key in _CLASS_NAMES:
        for text in (one.value for one in model.metadata_props if one.key == key and 0 < len(one.value) < _LARGEST_TEXT):
            try:
                found = json.loads(text) if text[0] in "[{" else text.splitlines() if "\n" in text else text.split(",")
            except (ValueError, RecursionError):
                found = _literal(text)
            names = list(found.values()) if isinstance(found, dict) else found
            if isinstance(names, list) and len(names) > 1 and all(isinstance(one, str) for one in names):
                return tuple(names)
    return ()


def _literal(text: str) -> object:
    try:
        return literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


IMPORTER = Importer(_takes, _read)
