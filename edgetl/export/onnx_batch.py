"""An ONNX file for one image made one for several at a time, or for any number: the same graph, whose shapes leave the first axis open."""

from collections.abc import Mapping

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

from edgetl.errors import ExportError
from edgetl.export.integer_graph import drop_unused
from edgetl.export.onnx_optimizer import ERRORS_ONLY, FAULTS
from edgetl.input import Batch
from edgetl.wording import counted

_AXIS = "batch"  # name of the free axis
_REMEDY = "export it with --batch 1, and report this message in an issue"
_SAME = 0  # of a Reshape: as long along this axis as what goes in
_TRIED = 2  # images
# Of operators that read a shape: which input it is, and what stands there for the first axis as it is.
_SHAPES = {"Reshape": (1, _SAME), "Slice": (2, np.iinfo(np.int32).max)}
_PAIRWISE = ("Add", "Sub", "Mul", "Div", "Max", "Min")


def in_batches(content: bytes, batch: Batch) -> bytes:
    """Return the file of plain operators for `batch` images at a time.

    Raises ExportError where an operator keeps the images apart in a way that is not known.
    """
    model = onnx.load_from_string(content)
    graph = model.graph
    inferred = onnx.shape_inference.infer_shapes(model).graph
    ranks = {value.name: len(value.type.tensor_type.shape.dim) for value in [*inferred.input, *inferred.value_info]}
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    writers: dict[str, onnx.NodeProto] = {}  # of what is computed from the images; constants have no batch
    of_images = {value.name for value in graph.input}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:  # in the order that they run in
        if not of_images.isdisjoint(node.input):
            if node.op_type in _PAIRWISE and of_images.issuperset(node.input):
                nodes += _of_one_rank(graph, node, ranks, writers)
            if node.op_type in _SHAPES:
                _open(graph, node, constants)
            of_images |= set(node.output)
            writers |= dict.fromkeys(node.output, node)
        nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    drop_unused(model)
    ends = [value.type.tensor_type.shape.dim[0] for value in [*graph.input, *graph.output]]
    for end in ends:
        end.dim_param = _AXIS
    onnx.checker.check_model(model, full_check=True)
    _check(model.SerializeToString())
    for end in ends if isinstance(batch, int) else ():
        end.dim_value = batch
    finished: bytes = model.SerializeToString()
    return finished


def _open(graph: onnx.GraphProto, node: onnx.NodeProto, constants: Mapping[str, np.ndarray]) -> None:
    """Let a Reshape or a Slice leave the first axis as long as it is."""
    place, every = _SHAPES[node.op_type]
    axis, shape = _first_axis(node, constants), constants.get(node.input[place])
    if axis is not None and shape is not None and shape[axis] == 1:
        opened = shape.copy()
        opened[axis] = every
        node.input[place] = _constant(graph, f"{node.input[place]}_of_{node.output[0]}", opened)


def _of_one_rank(
    graph: onnx.GraphProto, node: onnx.NodeProto, ranks: Mapping[str, int], writers: Mapping[str, onnx.NodeProto]
) -> list[onnx.NodeProto]:
    """Return nodes that give an input as many axes as the other has: [1, C] fits [1, H, W, C] only with a batch of 1.

    Of integers they stand between Q/DQ pairs as all operators do.
    """
    rank, made = max(ranks[name] for name in node.input), []
    for place, name in enumerate(node.input):
        if ranks[name] < rank:
            axes = _constant(graph, f"{name}_axes", np.arange(1, 1 + rank - ranks[name]))
            kinds = [("Unsqueeze", [axes])]
            if writers[name].op_type == "DequantizeLinear":
                kinds += [(kind, list(writers[name].input[1:])) for kind in ("QuantizeLinear", "DequantizeLinear")]
            for kind, more in kinds:
                last = f"{name}_{kind}"
                made.append(onnx.helper.make_node(kind, [node.input[place], *more], [last], name=last))
                node.input[place] = last
    return made


def _constant(graph: onnx.GraphProto, name: str, numbers: np.ndarray) -> str:
    graph.initializer.append(numpy_helper.from_array(numbers, name))
    return name


def _first_axis(node: onnx.NodeProto, constants: Mapping[str, np.ndarray]) -> int | None:
    """Return where a Reshape or a Slice has the first axis in its shape; None: a Slice does not cut it."""
    axes = constants[node.input[3]].tolist() if len(node.input) > 3 else [0]
    return axes.index(0) if 0 in axes else None


def _check(content: bytes) -> None:
    """Raise ExportError unless ONNX Runtime gives as many rows as it gets images."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        [takes] = session.get_inputs()
        dtype = np.uint8 if takes.type == "tensor(uint8)" else np.float32
        [rows] = session.run(None, {takes.name: np.zeros((_TRIED, *takes.shape[1:]), dtype)})
    except FAULTS as error:
        raise ExportError(f"ONNX Runtime cannot run the file with several images: {error}", _REMEDY) from error
    if len(rows) != _TRIED:
        raise ExportError(f"of {counted(_TRIED, 'image')} the file makes {counted(len(rows), 'row')}", _REMEDY)
