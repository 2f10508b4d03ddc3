"""The integers of a TFLite file: constants in real numbers, and the grids of kernels and activations."""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgetl.importing.base import Unsupported
from edgetl.importing.graph import grid_of
from edgetl.importing.grids import Grid, KernelGrid

_Type = schema.TensorType
TYPES: dict[int, np.dtype[Any]] = {
    _Type.FLOAT32: np.dtype("<f4"),
    _Type.FLOAT16: np.dtype("<f2"),
    _Type.INT32: np.dtype("<i4"),
    _Type.INT64: np.dtype("<i8"),
    _Type.INT8: np.dtype("i1"),
    _Type.UINT8: np.dtype("u1"),
}
BYTES = (_Type.INT8, _Type.UINT8)
_OTHER_INTEGERS = (_Type.INT16, _Type.INT4, _Type.UINT16, _Type.UINT4, _Type.INT2)


def is_quantized(tensor: schema.TensorT) -> bool:
    """Return whether a tensor holds integers that stand for real numbers."""
    return tensor.quantization is not None and tensor.quantization.scale is not None and len(tensor.quantization.scale) > 0


def constant(tensor: schema.TensorT, data: np.ndarray) -> np.ndarray:
    """Return a tensor's numbers, real ones as float32. Raises ValueError or Unsupported where its parts do not go together."""
    numbers: np.ndarray = np.asarray(data, np.uint8).view(TYPES[tensor.type])
    array = numbers.reshape([int(one) for one in (tensor.shape if tensor.shape is not None else [])])
    if is_quantized(tensor):
        scale, zero_point = _parameters(tensor)
        along = [1] * array.ndim
        if len(scale) > 1:
            axis = tensor.quantization.quantizedDimension
            if not 0 <= axis < array.ndim or array.shape[axis] != len(scale):
                raise Unsupported("it has scales that are not those of an axis")
            along[axis] = -1
        steps = array.astype(np.float32) - zero_point.reshape(along).astype(np.float32)
        return steps * scale.reshape(along).astype(np.float32) if array.ndim else steps * np.float32(scale[0])
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def grid(tensor: schema.TensorT) -> Grid | None:
    """Return the grid of an activation; None: it is float. Raises Unsupported where it is another kind of integers."""
    if tensor.type in _OTHER_INTEGERS:
        raise Unsupported("its activations are not of 8 bits")
    if tensor.type not in BYTES or not is_quantized(tensor):
        return None
    scale, zero_point = _parameters(tensor)
    if len(scale) > 1:
        raise Unsupported("its output has a scale for each channel")
    return grid_of(float(scale[0]), int(zero_point[0]) - _shift(tensor))


def kernel_grid(kernel: schema.TensorT, bias: np.ndarray | None, channels: int) -> KernelGrid | None:
    """Return how a kernel is counted; None: in float. Raises Unsupported where it is counted in another way than by int8 files of today.

    Args:
        bias: its bytes; None: there is none.
    """
    if kernel.type not in BYTES or not is_quantized(kernel):
        return None
    scale, zero_point = _parameters(kernel)
    points = set(zero_point.tolist())
    if len(points) > 1:
        raise Unsupported("its kernel has a zero point for each channel")
    given = np.zeros(4 * channels, np.uint8) if bias is None else np.asarray(bias, np.uint8)
    if len(given) != 4 * channels or len(scale) not in (1, channels):
        raise Unsupported("its bias is not of 32 bits, or its kernel has scales for something else than channels")
    return KernelGrid(scale.astype(np.float32), points.pop() - _shift(kernel), given.view("<i4").astype(np.int32))


def _shift(tensor: schema.TensorT) -> int:
    return 128 if tensor.type == _Type.UINT8 else 0


def _parameters(tensor: schema.TensorT) -> tuple[np.ndarray, np.ndarray]:
    scale = np.asarray(tensor.quantization.scale, np.float64)
    given = tensor.quantization.zeroPoint
    zero_point = np.asarray(given if given is not None and len(given) else np.zeros(len(scale)), np.int64)
    if len(zero_point) != len(scale) or not (np.isfinite(scale) & (scale > 0)).all():
        raise Unsupported("it has scales that make no sense")
    return scale, zero_point
