"""Constants of ONNX files: tensors, in the file or beside it, and arithmetic on constants and shapes, done before there is a network."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgetl.importing.base import Unsupported

if TYPE_CHECKING:
    import onnx

_LARGEST_BYTES = 1 << 30  # of all constants together
_LARGEST_FOLDED = 1 << 24  # numbers in one computed constant: no network computes its weights
_MOVES = ("Identity", "Shape", "Size", "Squeeze", "Unsqueeze", "Reshape", "Transpose", "Flatten", "Slice", "Cast", "CastLike")
_ALONE = ("Floor", "Ceil", "Round", "Neg", "Abs", "Sign", "Sqrt", "Reciprocal", "Exp", "Not", "Relu", "Clip", "ReduceProd", "ReduceSum")
_BROADCAST = ("Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Mod", "Equal", "Greater", "Less", "And", "Or", "Where")
FOLDED = (*_MOVES, *_ALONE, *_BROADCAST, "Concat", "Gather", "ConstantOfShape", "Range", "Expand", "Tile")


def arrays(model: "onnx.ModelProto", path: Path) -> dict[str, np.ndarray]:
    """Return the tensors of a file by name. Raises ValueError for one that is not plain numbers, larger than its bytes or elsewhere."""
    from onnx import TensorProto

    if model.graph.sparse_initializer:
        raise ValueError("it holds sparse weights")
    left, made = _LARGEST_BYTES, {}
    for tensor in model.graph.initializer:
        outside = tensor.data_location == TensorProto.EXTERNAL
        made[tensor.name] = _outside(tensor, path) if outside else array(tensor)
        left -= made[tensor.name].nbytes
        if left < 0:
            raise ValueError(f"its weights are larger than {_LARGEST_BYTES >> 20} MiB")
    return made


def array(tensor: "onnx.TensorProto") -> np.ndarray:
    """Return a tensor that lies in the file, floats as float32. Raises ValueError where its bytes and its shape do not go together."""
    from onnx import TensorProto, numpy_helper

    if not _is_numbers(tensor) or tensor.data_location == TensorProto.EXTERNAL:
        raise ValueError(f"its tensor {tensor.name!r} is not plain numbers")
    if tensor.raw_data or math.prod(tensor.dims) == 0:
        given = len(tensor.raw_data) * 2  # two of the smallest type to a byte
    else:
        given = max(
            len(tensor.float_data), len(tensor.int32_data) * 8, len(tensor.int64_data), len(tensor.double_data), len(tensor.uint64_data)
        )
    if min(tensor.dims, default=0) < 0 or math.prod(tensor.dims) > given:
        raise ValueError(f"its tensor {tensor.name!r} is larger than its bytes")
    return _plain(numpy_helper.to_array(tensor))


def _is_numbers(tensor: "onnx.TensorProto") -> bool:
    """Return whether a tensor's type is one that ONNX knows, and no text."""
    from onnx import TensorProto, helper

    return tensor.data_type != TensorProto.STRING and tensor.data_type in helper.get_all_tensor_dtypes()


def _plain(values: np.ndarray) -> np.ndarray:
    """Return numbers of a type that NumPy computes with; half precision becomes float32."""
    if values.dtype.kind in "biu" or values.dtype in (np.float32, np.float64):
        return values
    return values.astype(np.float32)


def _outside(tensor: "onnx.TensorProto", path: Path) -> np.ndarray:
    """Read a tensor from a file beside the model's: one in the same folder, no link, no more bytes than it has."""
    from onnx import helper

    entry = {one.key: one.value for one in tensor.external_data}
    place = Path(entry.pop("location", ""))
    file = path.parent / place.name
    if place.name != str(place) or not place.name or file.is_symlink() or not file.is_file():
        raise ValueError(f"its weights {str(place)[:100]!r} are not a file in the same folder: keep the two together")
    if not _is_numbers(tensor):
        raise ValueError(f"its tensor {tensor.name!r} is not plain numbers")
    dtype = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type))
    count, offset = math.prod(tensor.dims), int(entry.pop("offset", "0"))
    size = count * dtype.itemsize
    if min(tensor.dims, default=0) < 0 or dtype.hasobject or size > _LARGEST_BYTES or offset < 0 or offset + size > file.stat().st_size:
        raise ValueError(f"its tensor {tensor.name!r} is larger than {place.name} holds")
    return _plain(np.fromfile(file, dtype, count, offset=offset).reshape(tensor.dims))


def folded(node: "onnx.NodeProto", inputs: list[np.ndarray], opset: int) -> list[np.ndarray]:
    """Return what a node computes of constants, by ONNX's own reference. Raises Unsupported where it is too large or makes no sense."""
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    if _numbers(node, inputs) > _LARGEST_FOLDED:
        raise Unsupported("it makes a constant that is far too large")
    names = [f"in{place}" if name else "" for place, name in enumerate(node.input)]
    copy = type(node)()
    copy.CopyFrom(node)
    del copy.input[:]
    copy.input.extend(names)
    graph = helper.make_graph(
        [copy],
        "constant",
        [
            helper.make_value_info(name, helper.make_tensor_type_proto(helper.np_dtype_to_tensor_dtype(one.dtype), one.shape))
            for name, one in zip([name for name in names if name], inputs, strict=True)
        ],
        [helper.make_empty_tensor_value_info(name) for name in copy.output],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    try:
        with np.errstate(all="ignore"):
            made = ReferenceEvaluator(model).run(None, dict(zip([name for name in names if name], inputs, strict=True)))
    except Exception as error:
        # The reference raises whatever NumPy or its own checks do, which have no common class but this one.
        raise Unsupported(f"its constants do not go together: {str(error)[:200]}") from error
    return [_plain(np.asarray(one)) for one in made]


def _numbers(node: "onnx.NodeProto", inputs: list[np.ndarray]) -> int:
    """Return at most how many numbers a node makes of constants."""
    sizes = [one.size for one in inputs]
    if node.op_type in _BROADCAST:
        try:
            return math.prod(np.broadcast_shapes(*(one.shape for one in inputs)))
        except ValueError as error:
            raise Unsupported("its constants do not go together") from error
    if node.op_type == "Gather":
        return max(1, inputs[0].size) * max(1, inputs[-1].size)
    if node.op_type in ("ConstantOfShape", "Expand", "Tile"):
        factors = [max(1, abs(int(one))) for one in inputs[-1].reshape(-1)[:16]]
        return math.prod(factors) * (1 if node.op_type == "ConstantOfShape" else max(1, inputs[0].size))
    if node.op_type == "Range":
        start, limit, step = (float(one.reshape(-1)[0]) if one.size else 0.0 for one in inputs)
        return int(min(abs((limit - start) / step), 1e12)) if step else 1 << 60
    return sum(sizes)
