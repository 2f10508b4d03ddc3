"""Weights in HDF5 (Keras' own), looked through before Keras reads them: nothing outside of the file, and nothing larger than the file."""

from pathlib import Path
from typing import Any, BinaryIO

import h5py


def check(source: Path | BinaryIO, size_bytes: int) -> None:
    """Raises ValueError (or one of HDF5's own: OSError, RuntimeError, KeyError) for a file that is not plain arrays and attributes.

    Args:
        size_bytes: of the file; its arrays cannot have more, since they are neither compressed nor made up.
    """
    left = size_bytes

    # Both say what is wrong by giving it back, which ends the visit: h5py does not survive an error from here.
    def link(name: str | bytes, found: Any) -> str | None:
        return None if isinstance(found, h5py.HardLink) else f"{name!r} is a link to elsewhere"

    def item(name: str | bytes, found: Any) -> str | None:
        nonlocal left
        if not isinstance(found, h5py.Dataset):
            return None
        if found.external or found.is_virtual or found.compression or found.dtype.hasobject:
            return f"{name!r} is packed, made of other files, or no plain numbers"
        left -= found.nbytes
        return f"with {name!r} its arrays are larger than the file" if left < 0 else None

    with h5py.File(source, "r") as file:
        problem = file.visititems_links(link) or file.visititems(item)
    if problem:
        raise ValueError(problem)
