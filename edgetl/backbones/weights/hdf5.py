"""Weights in HDF5 (Keras' own), looked through before Keras reads them: nothing outside of the file, and nothing larger than the file.

That is done by a process of its own: on damaged files HDF5's library may end its process, or read in circles.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py

_LIMIT_S = 30  # the largest files of these families take one


def check(path: Path) -> None:
    """Raises ValueError for a file that is not plain arrays and attributes, all of which HDF5 can read."""
    command = [sys.executable, "-P", "-m", __name__, str(path.absolute())]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        raise ValueError(f"HDF5 did not finish within {_LIMIT_S} s") from None
    if done.returncode:
        raise ValueError(done.stderr.strip().rpartition("\n")[2] or f"HDF5 breaks down on it (exit code {done.returncode})")


def look_through(path: Path) -> None:
    """Read all that is in the file. Raises ValueError, or one of HDF5's own exceptions."""
    left, seen = path.stat().st_size, set()

    def take(what: str, size: int) -> None:
        nonlocal left
        left -= size  # which is neither compressed nor made up
        if left < 0:
            raise ValueError(f"with {what} its arrays are larger than the file")

    def attributes(of: Any) -> None:
        for name in of.attrs:
            found = of.attrs.get_id(name)
            take(repr(name), found.get_space().get_simple_extent_npoints() * found.get_type().get_size())
            of.attrs[name]

    # Walked step by step: HDF5's own visit turns an error inside of it into one that Python cannot tell from its own faults.
    with h5py.File(path, "r") as file:
        groups = [file["/"]]
        while groups:
            group = groups.pop()
            attributes(group)
            for name in group:
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise ValueError(f"{name!r} is a link to elsewhere")
                found = group[name]
                place = h5py.h5o.get_info(found.id).addr
                if place in seen:
                    raise ValueError(f"{name!r} is there twice")
                seen.add(place)
                if isinstance(found, h5py.Group):
                    groups.append(found)
                    continue
                if not isinstance(found, h5py.Dataset) or found.external or found.is_virtual or found.compression or found.dtype.hasobject:
                    raise ValueError(f"{name!r} is packed, made of other files, or no plain numbers")
                take(repr(name), found.nbytes)
                attributes(found)
                found[()]


if __name__ == "__main__":
    look_through(Path(sys.argv[1]))
