"""Weights files that HDF5 itself does not survive are refused like any other damaged one."""

from pathlib import Path

import pytest

from edgetl.backbones.weights import hdf5
from tests.fuzz import examples

_HEADER = 16  # bytes, of a heap and of an object in it; the last 8 of the object's are its size


def test_a_heap_that_is_read_in_circles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object of -16 bytes ends where it begins."""
    monkeypatch.setattr(hdf5, "_LIMIT_S", 3)
    content, path = bytearray(examples.keras_weights()[0]), tmp_path / "weights.h5"
    path.write_bytes(content)
    hdf5.check(path)
    size = content.index(b"GCOL") + _HEADER + 8
    content[size : size + 8] = (-_HEADER).to_bytes(8, "little", signed=True)
    path.write_bytes(content)
    with pytest.raises(ValueError, match="did not finish"):
        hdf5.check(path)


@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\n", b"text"])
def test_no_hdf5_at_all(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "weights.h5"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="OSError"):
        hdf5.check(path)
