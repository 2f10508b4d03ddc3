"""A TFLite file for one image made one for several at a time: the same numbers, in tensors that are longer along their first axis."""

import copy

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from edgetl.errors import ExportError
from edgetl.export.tflite_checks import operator_name
from edgetl.export.tflite_objects import code
from edgetl.importing.tflite_reader import packed, read
from edgetl.wording import counted

_REMEDY = "export it with --batch 1, and report this message in an issue"
# Of operators whose inputs hold a shape: which input it is; its first number is the batch.
_SHAPES = {"RESHAPE": 1, "STRIDED_SLICE": 2, "SLICE": 2}
_PAIRWISE = ("ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM")


def in_batches(content: bytes, batch: int) -> bytes:
    """Return the file for `batch` images at a time. Raises ExportError where an operator keeps them apart in a way that is not known."""
    model = read(content)
    graph = model.subgraphs[0]
    of_images = set(graph.inputs)  # tensors that are computed from the images: constants, and what is made of them, have no batch
    operators: list[schema.OperatorT] = []
    for operator in graph.operators:
        if not of_images.isdisjoint(operator.inputs):
            kind = operator_name(model, operator)
            raised = _of_one_rank(model, operator) if kind in _PAIRWISE and of_images.issuperset(operator.inputs) else []
            for one in [*raised, operator]:
                if operator_name(model, one) in _SHAPES:
                    _lengthen(model, one, _SHAPES[operator_name(model, one)], batch)
                of_images |= set(one.outputs)
            operators += raised
        operators.append(operator)
    graph.operators = operators
    for tensor in (graph.tensors[index] for index in sorted(of_images)):
        if not len(tensor.shape) or tensor.shape[0] != 1:
            raise ExportError(f"{tensor.name.decode()} has no place for several images: its shape is {list(tensor.shape)}", _REMEDY)
        tensor.shape, tensor.shapeSignature = _of_batch(tensor.shape, batch), None
    made = packed(model)
    _check(made, batch)
    return made


def _lengthen(model: schema.ModelT, operator: schema.OperatorT, place: int, batch: int) -> None:
    """Give the operator a shape of its own with this batch; others may share the one that it has."""
    graph = model.subgraphs[0]
    tensor = copy.copy(graph.tensors[operator.inputs[place]])
    data = model.buffers[tensor.buffer].data
    if data is None:
        raise ExportError(f"{tensor.name.decode()} is a shape that is computed", _REMEDY)
    tensor.name += f"/batch_{batch}".encode()
    inputs = list(operator.inputs)
    inputs[place] = _constant(model, tensor, _of_batch(np.asarray(data, np.uint8).view(np.int32), batch))
    operator.inputs = inputs
    options = operator.builtinOptions
    if isinstance(options, schema.ReshapeOptionsT) and options.newShape is not None:
        options.newShape = _of_batch(options.newShape, batch)


def _of_one_rank(model: schema.ModelT, operator: schema.OperatorT) -> list[schema.OperatorT]:
    """Return a RESHAPE for each input with fewer axes than the other: [1, C] fits [1, H, W, C] only with a batch of 1."""
    graph = model.subgraphs[0]
    inputs, made = list(operator.inputs), []
    rank = max(len(graph.tensors[index].shape) for index in inputs)
    for place, source in enumerate(inputs):
        missing = rank - len(graph.tensors[source].shape)
        if missing:
            raised, shape, reshape = copy.copy(graph.tensors[source]), schema.TensorT(), schema.OperatorT()
            raised.name, raised.shape = raised.name + b"/raised", [1, *[1] * missing, *raised.shape[1:]]
            shape.name, shape.shape, shape.type = raised.name + b"/shape", [rank], schema.TensorType.INT32
            graph.tensors.append(raised)
            inputs[place] = len(graph.tensors) - 1
            reshape.inputs = [source, _constant(model, shape, np.array(raised.shape, np.int32))]
            reshape.outputs, reshape.opcodeIndex = [inputs[place]], len(model.operatorCodes)
            model.operatorCodes.append(code(schema.BuiltinOperator.RESHAPE))
            made.append(reshape)
    operator.inputs = inputs
    return made


def _constant(model: schema.ModelT, tensor: schema.TensorT, numbers: np.ndarray) -> int:
    """Add a constant of int32, described by `tensor`; returns its number."""
    buffer = schema.BufferT()
    buffer.data, tensor.buffer = numbers.view(np.uint8), len(model.buffers)
    model.buffers.append(buffer)
    model.subgraphs[0].tensors.append(tensor)
    return len(model.subgraphs[0].tensors) - 1


def _of_batch(shape: npt.ArrayLike, batch: int) -> np.ndarray:
    """Return the shape, int32, with this batch in place of 1; -1 stays: it is counted from the rest."""
    numbers = np.array(shape, np.int32)
    if len(numbers) and numbers[0] == 1:
        numbers[0] = batch
    return numbers


def _check(content: bytes, batch: int) -> None:
    """Raise ExportError unless LiteRT's kernels work out that as many rows come out as images go in."""
    try:
        interpreter = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
        interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        raise ExportError(f"LiteRT cannot run the file with batches of {batch}: {error}", _REMEDY) from error
    [at] = read(content).subgraphs[0].outputs
    rows = len(interpreter.get_tensor(at))
    if rows != batch:
        raise ExportError(f"of {counted(batch, 'image')} the file makes {counted(rows, 'row')}", _REMEDY)
