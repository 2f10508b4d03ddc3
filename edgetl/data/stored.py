"""Arrays in files of NumPy's format: whole ones that are made once, and those of more rows than memory should hold."""

import os
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from edgetl.data.rows import RowsWhenAsked
from edgetl.errors import RunError
from edgetl.files import DAMAGED_NPZ, atomic

_MOST_BYTES = 2**28  # of predictions that are kept: reading more from a disk takes as long as predicting again


class StoredRows(RowsWhenAsked):
    """An array [N, ...] in a .npy file, of which the rows that are asked for are read.

    Not a memory map: its pages would count as this program's memory until the whole file is in it.
    """

    def __init__(self, path: Path) -> None:
        """Raises OSError, or ValueError when the file was cut or is of another kind."""
        with path.open("rb") as file:
            np.lib.format.read_magic(file)
            self.shape, _, self.dtype = np.lib.format.read_array_header_1_0(file)
            self._start = file.tell()
        if path.stat().st_size != self._start + np.prod(self.shape, dtype=np.int64) * self.dtype.itemsize:
            raise ValueError("it is not as long as it should be")
        self._path, self._file = path, os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)
        self._row_bytes = int(np.prod(self.shape[1:])) * self.dtype.itemsize

    def read(self, row: int, into: NDArray[Any]) -> None:
        if os.preadv(self._file, [into.data], self._start + row * self._row_bytes) != self._row_bytes:
            raise RunError(f"{self._path} is truncated", "delete it: it will be made again")


def read_array(path: Path) -> NDArray[Any] | None:
    """Return a stored array; None where there is none, or where the file was cut."""
    try:
        array: NDArray[Any] = np.load(path, allow_pickle=False)
    except DAMAGED_NPZ:
        return None
    return array


def write_array(path: Path, array: NDArray[Any]) -> None:
    with atomic(path) as temporary, temporary.open("wb") as file:
        np.save(file, array)


def make_room(folder: Path, stale: str, arrays: Iterable[NDArray[Any]]) -> bool:
    """Delete the stale files of a folder, a pattern, and return whether arrays are few enough to be kept in their place."""
    for path in folder.glob(stale):
        path.unlink(missing_ok=True)
    return sum(array.nbytes for array in arrays) <= _MOST_BYTES


def write_header(file: BinaryIO, shape: tuple[int, ...], dtype: str) -> None:
    """Write the start of a .npy file, as long for every number of rows: NumPy leaves room for the first axis to change."""
    np.lib.format.write_array_header_1_0(file, {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": shape})
