"""PyTorch's old serialization read with NumPy alone: no torch, and no code from the file is run.

The file is four pickles (magic number, protocol, system facts, state dict), a pickled list of storage keys, then for each key an
int64 element count and the raw little-endian elements. A state dict needs four names; the unpickler knows these and refuses all else.
"""

import collections
import math
import os
import pickle
import pickletools
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from edgetl.errors import WeightsError

_MAGIC = 0x1950A86A20F9469CFC6C
_LARGEST_PICKLE_BYTES = 1 << 22  # a hundred times what the tensors of these networks need
_STORAGES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}
# What the unpickler lets through on damaged bytes, found by fuzzing: it promises no common class.
_DAMAGED = (
    pickle.UnpicklingError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    EOFError,
    MemoryError,
    OSError,
)


class _Tensor:
    """A view to be cut from a storage once that is read: `torch._utils._rebuild_tensor_v2`'s arguments."""

    def __init__(self, storage: tuple[np.dtype, str], offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> None:
        self.storage, self.offset, self.size, self.stride = storage, offset, size, stride

    def cut(self, storages: dict[str, np.ndarray]) -> np.ndarray:
        """Return the tensor as an array of its own. The tensors are not contiguous: offset and strides matter."""
        elements = storages[self.storage[1]]
        last = self.offset + sum((n - 1) * step for n, step in zip(self.size, self.stride, strict=True))
        outside = self.offset < 0 or min(self.size, default=1) < 1 or min(self.stride, default=0) < 0 or last >= len(elements)
        if outside or math.prod(self.size) > len(elements):  # strides of 0 would make a small file a large array
            raise ValueError("a tensor reaches outside its storage")
        strides = [step * elements.itemsize for step in self.stride]
        return np.lib.stride_tricks.as_strided(elements[self.offset :], self.size, strides).copy()


class _Restricted(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _Tensor
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        raise pickle.UnpicklingError(f"the file asks for {module}.{name}, which weights do not need")

    def persistent_load(self, identity: Any) -> tuple[np.dtype, str]:
        kind, dtype, key = identity[:3]
        if kind != "storage" or not isinstance(dtype, np.dtype):
            raise pickle.UnpicklingError("not a tensor storage")
        return dtype, str(key)


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Name to array of every tensor in the file. Raises WeightsError when it is not such a file, or asks for more than tensors."""
    try:
        with path.open("rb") as file:
            if _load(file) != _MAGIC:
                raise ValueError("the magic number is another")
            _load(file), _load(file)
            tensors = {name: tensor for name, tensor in _load(file).items() if isinstance(tensor, _Tensor)}
            dtypes = {tensor.storage[1]: tensor.storage[0] for tensor in tensors.values()}
            storages = {key: _read_storage(file, dtypes[key]) for key in _load(file)}
            return {name: tensor.cut(storages) for name, tensor in tensors.items()}
    except _DAMAGED as error:
        raise WeightsError(
            f"{path} is not a PyTorch weights file that can be read: {error}", "give a file of torch.save's old format"
        ) from error


def _load(file: BinaryIO) -> Any:
    """Return the next pickle, once it was checked: a memo's number is a size that the unpickler allocates, found by fuzzing."""
    start = file.tell()
    for opcode, argument, place in pickletools.genops(file):
        if place is not None and place - start > _LARGEST_PICKLE_BYTES:
            raise ValueError("its list of tensors is too long")
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and not 0 <= int(argument or 0) <= _LARGEST_PICKLE_BYTES:
            raise ValueError(f"it asks for {argument} places")
    file.seek(start)
    return _Restricted(file).load()


def _read_storage(file: BinaryIO, dtype: np.dtype) -> np.ndarray:
    count = int.from_bytes(file.read(8), "little")
    if count * dtype.itemsize > os.fstat(file.fileno()).st_size - file.tell():  # before memory is allocated
        raise ValueError("it ends too early")
    return np.frombuffer(file.read(count * dtype.itemsize), dtype)
