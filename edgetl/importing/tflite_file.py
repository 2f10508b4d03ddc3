"""TFLite files in neutral operators; weights in half precision become float32, and of quantized files the grids are kept."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path

from ai_edge_litert import schema_py_generated as schema

from edgetl.errors import ExportError, ModelFileError
from edgetl.importing.base import Origin, Unsupported, Wish, damaged
from edgetl.importing.graph import MOST_NODES, Graph, Importer, Sketch
from edgetl.importing.operators import LAST, Convolution, FullyConnected
from edgetl.importing.tflite_grids import BYTES, TYPES, constant, grid, kernel_grid
from edgetl.importing.tflite_operators import METHODS, LiteNode, add, tensor_name
from edgetl.importing.tflite_reader import read as parsed

_LARGEST_BYTES = 1 << 29
_LARGEST_TEXT = 1 << 20
_OPERATORS = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
_IMAGES = (schema.TensorType.FLOAT32, schema.TensorType.FLOAT16, *BYTES)


def _takes(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in (".tflite", ".lite")


def _read(path: Path, wish: Wish) -> tuple[Graph, Origin]:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise damaged(path, f"it is larger than {_LARGEST_BYTES >> 20} MiB")
        content = path.read_bytes()
        model = parsed(content)
    except (ExportError, OSError) as error:
        raise damaged(path, error) from error
    graph = model.subgraphs[0]
    if len(model.subgraphs) != 1 or len(graph.inputs) != 1 or len(graph.outputs) != 1 or len(graph.operators) > MOST_NODES:
        raise ModelFileError(f"{path} is not one graph with one image and one output", "convert the network with its logits alone")
    try:
        sketch = _begun(path, model, graph, wish)
    except (Unsupported, ValueError, TypeError) as error:
        raise damaged(path, error) from error
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        kind = _OPERATORS.get(max(code.builtinCode, code.deprecatedBuiltinCode), "an unknown operator")
        outputs = [tensor_name(one) for one in operator.outputs]
        if sketch.lost & {tensor_name(one) for one in operator.inputs} and kind in METHODS:
            sketch.lost.update(outputs)
            continue
        label = graph.tensors[operator.outputs[0]].name.decode()[:80] if outputs else ""
        with sketch.noting(f"{kind} {label!r}", outputs):
            _add(LiteNode(sketch, operator, label, kind), model, graph)
    try:
        made = sketch.graph(tensor_name(graph.outputs[0]))
    except Unsupported as error:
        raise damaged(path, error) from error
    producer = (model.description or b"").decode("utf-8", "replace")[:100] or "TFLite"
    return made, Origin(producer, _class_names(content), graph.tensors[graph.inputs[0]].type in BYTES)


def _add(node: LiteNode, model: schema.ModelT, graph: schema.SubGraphT) -> None:
    """Add an operator, of a quantized file with the grids of its kernel and of what it gives."""
    before, inputs = len(node.sketch.nodes), node.operator.inputs
    found = grid(graph.tensors[node.operator.outputs[0]]) if len(node.operator.outputs) == 1 else None
    if found is None:
        add(node)
        return
    add(replace(node, suffix="/real"))
    node.sketch.add(found, [f"{node.output}/real"], node.output, f"{node.name}_grid")
    for one in node.sketch.nodes[before:]:
        if isinstance(one.operator, Convolution | FullyConnected):
            bias = model.buffers[graph.tensors[inputs[2]].buffer].data if node.has(2) else None
            kernel = kernel_grid(graph.tensors[inputs[1]], bias, len(one.operator.bias))
            if kernel is not None:
                node.sketch.kernels[one.output] = kernel


def _begun(path: Path, model: schema.ModelT, graph: schema.SubGraphT, wish: Wish) -> Sketch:
    """Return a sketch that knows the input and the constants."""
    sketch = Sketch(path, LAST)
    for index, tensor in enumerate(graph.tensors):
        data = model.buffers[tensor.buffer].data
        if data is not None and len(data) and tensor.type in TYPES:
            sketch.constants[tensor_name(index)] = constant(tensor, data)
    image = graph.tensors[graph.inputs[0]]
    shape = [int(one) for one in (image.shape if image.shape is not None else [])]
    if len(shape) != 4 or image.type not in _IMAGES:
        raise Unsupported(f"it reads {shape}, which is not an image of floats or bytes")
    signature = image.shapeSignature if image.shapeSignature is not None and len(image.shapeSignature) == 4 else shape
    height, width = wish.open_size(path) if min(signature[1:3]) < 1 else (shape[1], shape[2])
    name, found = tensor_name(graph.inputs[0]), grid(image)
    sketch.start("image" if found else name, (1, height, width, shape[3]))
    if found:
        sketch.add(found, ["image"], name)
    return sketch


def _class_names(content: bytes) -> tuple[str, ...]:
    """Return the lines of the text file that is zipped behind a file with metadata; empty: there is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            texts = [one for one in archive.infolist()[:16] if one.filename.endswith(".txt") and one.file_size < _LARGEST_TEXT]
            return tuple(archive.read(texts[0]).decode().splitlines()) if len(texts) == 1 else ()
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError, EOFError, LookupError):
        return ()


IMPORTER = Importer(_takes, _read)
