"""ONNX Runtime's own format, for its small builds on phones: the ONNX file's graph as ONNX Runtime loads it, with nothing left to optimize.

ONNX Runtime writes it (what its `convert_onnx_models_to_ort` calls), up to the optimizations that fit every processor. The metadata of an
ONNX file would survive that, but two things would be lost, and are why what lies around the graph is written anew here: the list of kernels
lies in another order each time, also within a process (six conversions of one small model gave four different files), and a finished file,
such as a bundle gets, could be given no other name or licence. The numbers are those of the fields in ONNX Runtime's `ort.fbs`.
"""

from collections.abc import Mapping
from typing import Any

import flatbuffers
from flatbuffers import number_types
from flatbuffers.table import Table

from edgetl.contract import Contract
from edgetl.export import onnx_fused
from edgetl.export.base import About, Conversion, Format
from edgetl.input import Batch
from edgetl.quantization.bounds import FUSED, Bound

_IDENTIFIER = b"ORTM"
_VERSION, _MODEL, _KERNELS = 0, 1, 3  # of InferenceSession, the root
_GRAPH, _PROPS = 7, 9  # of Model
_ALIGNMENT = 16  # bytes: at least what ONNX Runtime aligns tensors to

# The tables that are copied, by the kinds of their fields: text, a number, or a list of tables.
_Fields = Mapping[int, Any]
_ARGUMENT: _Fields = {0: number_types.Int8Flags, 1: number_types.Uint32Flags}
_KERNEL_LIST: _Fields = {0: [{0: str, 1: [{0: str, 1: [_ARGUMENT]}]}]}
_MODEL_FIELDS: _Fields = {
    **{0: number_types.Int64Flags, 1: [{0: str, 1: number_types.Int64Flags}], 2: str, 3: str, 4: str},
    **{5: number_types.Int64Flags, 6: str, 8: str},
}


def _convert(conversion: Conversion) -> bytes:
    from edgetl.export.onnx_optimizer import optimized

    return _framed(optimized(conversion.file("onnx"), for_any_processor=True, form="ORT"), {})


def _in_batches(conversion: Conversion, batch: Batch) -> bytes:
    from edgetl.export.onnx_optimizer import optimized

    return _framed(optimized(onnx_fused.in_batches(conversion, batch), for_any_processor=True, form="ORT"), {})


def _stamp(content: bytes, contract: Contract, about: About) -> bytes:
    return _framed(content, about.facts(contract))


def _framed(content: bytes, facts: Mapping[str, str]) -> bytes:
    """Copy the file's graph as it is, byte by byte, in a new frame with these metadata_props."""
    root = Table(content, int.from_bytes(content[:4], "little"))
    model = _child(root, _MODEL)
    graph = _child(model, _GRAPH)
    # What a table points to lies behind it, and its own list of fields right before it.
    kept = content[min(graph.Pos, graph.Pos - graph.Get(number_types.SOffsetTFlags, graph.Pos)) :]
    builder = flatbuffers.Builder(len(kept) + 65536)
    builder.head -= len(kept)  # a file is written from its end, and places count from there
    builder.Bytes[builder.head :] = kept
    builder.minalign = _ALIGNMENT
    props = [_written(builder, {0: builder.CreateString(key), 1: builder.CreateString(text)}) for key, text in sorted(facts.items())]
    places = _copied_fields(builder, model, _MODEL_FIELDS)
    model_place = _written(builder, places | {_GRAPH: len(content) - graph.Pos} | ({_PROPS: _vector(builder, props)} if props else {}))
    kernels = _copied(builder, _child(root, _KERNELS), _KERNEL_LIST)
    version = _copied_fields(builder, root, {_VERSION: str})
    builder.Finish(_written(builder, version | {_MODEL: model_place, _KERNELS: kernels}), _IDENTIFIER)
    return bytes(builder.Output())


def _child(table: Table, field: int) -> Table:
    return Table(table.Bytes, table.Indirect(table.Pos + table.Offset(4 + 2 * field)))


def _copied(builder: Any, table: Table, kinds: _Fields) -> int:
    return _written(builder, _copied_fields(builder, table, kinds))


def _copied_fields(builder: Any, table: Table, kinds: _Fields) -> dict[int, Any]:
    """Copy the table's fields that are set: where the builder has a copy, or a number with its type."""
    found: dict[int, Any] = {}
    for field, kind in kinds.items():
        offset = table.Offset(4 + 2 * field)
        if not offset:
            continue
        if kind is str:
            found[field] = builder.CreateString(table.String(table.Pos + offset))
        elif isinstance(kind, list):
            start = table.Vector(offset)
            items = [Table(table.Bytes, table.Indirect(start + 4 * index)) for index in range(table.VectorLen(offset))]
            found[field] = _vector(builder, [_copied(builder, item, kind[0]) for item in items])
        else:
            found[field] = kind, table.Get(kind, table.Pos + offset)
    return found


def _vector(builder: Any, places: list[int]) -> int:
    builder.StartVector(4, len(places), 4)
    for place in reversed(places):
        builder.PrependUOffsetTRelative(place)
    return int(builder.EndVector())


def _written(builder: Any, fields: Mapping[int, Any]) -> int:
    """Write a table of these fields and return its place."""
    builder.StartObject(max(fields, default=-1) + 1)
    for field, value in fields.items():
        if isinstance(value, tuple):
            builder.PrependSlot(value[0], field, value[1], 0)
        else:
            builder.PrependUOffsetTRelativeSlot(field, value, 0)
    return int(builder.EndObject())


_PREPARED = Bound(
    min_top1_agreement=0.999,
    max_mean_abs_dp=0.001,
    max_drop_points=0.1,
    reason="ONNX Runtime's optimizations done when the file was made, not when it is opened, and without those for one processor",
)
FORMAT = Format(
    name="ort",
    suffix=".ort",
    runtime="onnxruntime",
    precisions=("float32", "float16", "int8"),
    convert=_convert,
    stamp=_stamp,
    in_batches=_in_batches,
    free_batch=True,
    agrees={"float32": {"onnx_float32": _PREPARED}, "int8": {"onnx_int8": FUSED}},
)
