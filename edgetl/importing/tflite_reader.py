"""A .tflite file as the schema's objects, and back.

It is read without trust: what it counts up and points to must fit into its own bytes.
"""

import struct
from collections.abc import Iterator
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from edgetl.errors import ExportError

# What flatbuffers' Python lets through on damaged bytes, found by fuzzing: it verifies nothing.
_DAMAGED = (struct.error, TypeError, ValueError, AttributeError, IndexError, OverflowError, MemoryError)


def read(content: bytes) -> Any:
    """Raises ExportError when it is not a TFLite file, or one whose parts point outside of it."""
    try:
        root = schema.Model.GetRootAs(content)
        left = len(content)
        for size in _sizes(root):  # lazily: tables may lie over each other, and a small file then unpacks to any size
            left -= size
            if left < 0:
                raise ValueError("its parts lie over each other")
        model = schema.ModelT.InitFromObj(root)
        _check(model)
    except _DAMAGED as error:
        raise ExportError(f"not a TFLite file that can be read: {error!r}", "it is damaged or of another kind: export it again") from error
    return model


def packed(model: Any) -> bytes:
    """Return the schema's objects as a file."""
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _sizes(root: Any) -> Iterator[int]:
    """At least how many bytes each part takes whose copies would take memory."""
    yield 4 * (root.OperatorCodesLength() + root.BuffersLength() + root.SubgraphsLength())
    yield 4 * (root.MetadataLength() + root.SignatureDefsLength())
    yield len(root.Description() or b"")
    for index in range(root.OperatorCodesLength()):
        yield len(root.OperatorCodes(index).CustomCode() or b"")
    for index in range(root.MetadataLength()):
        yield len(root.Metadata(index).Name() or b"")
    for index in range(root.SignatureDefsLength()):
        signature = root.SignatureDefs(index)
        yield 4 * (signature.InputsLength() + signature.OutputsLength()) + len(signature.SignatureKey() or b"")
        for one in (*map(signature.Inputs, range(signature.InputsLength())), *map(signature.Outputs, range(signature.OutputsLength()))):
            yield len(one.Name() or b"")
    for index in range(root.SubgraphsLength()):
        yield from _graph_sizes(root.Subgraphs(index))


def _graph_sizes(graph: Any) -> Iterator[int]:
    yield 4 * (graph.TensorsLength() + graph.OperatorsLength() + graph.InputsLength() + graph.OutputsLength())
    yield len(graph.Name() or b"")
    for index in range(graph.TensorsLength()):
        tensor = graph.Tensors(index)
        yield len(tensor.Name() or b"") + 4 * tensor.VariantTensorsLength()
        if tensor.Sparsity() is not None or tensor.VariantTensorsLength():
            raise ValueError("it holds sparse or variant tensors, which edgetl's files do not")
    for index in range(graph.OperatorsLength()):
        operator = graph.Operators(index)
        if operator.BuiltinOptions2Type():
            raise ValueError("it holds an operator of StableHLO, which edgetl's files do not")
        yield 4 * (operator.InputsLength() + operator.OutputsLength())


def _check(model: Any) -> None:
    """Raises ValueError or TypeError unless every number that stands for a part is one that is there."""
    codes, buffers = model.operatorCodes or [], model.buffers or []
    if not model.subgraphs:
        raise ValueError("it holds no graph")
    for entry in model.metadata or ():
        _within([entry.buffer], buffers)
    for graph in model.subgraphs:
        tensors, operators = graph.tensors or [], graph.operators or []
        graph.tensors, graph.operators = tensors, operators
        for name in ("inputs", "outputs"):
            _within(_numbers(getattr(graph, name)), tensors)
        if not len(_numbers(graph.inputs)) or not len(_numbers(graph.outputs)):
            raise ValueError("it takes or gives nothing")
        for tensor in tensors:
            if not isinstance(tensor.name, bytes):
                raise ValueError("a tensor has no name")
            tensor.name.decode()
            _within([tensor.buffer], buffers)
        for operator in operators:
            operator.inputs, operator.outputs = _numbers(operator.inputs), _numbers(operator.outputs)
            _within([operator.opcodeIndex], codes)
            _within([index for index in operator.inputs if index != -1], tensors)  # -1: an optional input that is not given
            _within(operator.outputs, tensors)


def _numbers(value: Any) -> Any:
    return [] if value is None else value


def _within(indices: Any, parts: list[Any]) -> None:
    if any(not 0 <= index < len(parts) for index in indices):
        raise ValueError("it points to a part that is not there")
