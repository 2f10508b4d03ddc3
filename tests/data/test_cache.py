"""The cache of pixels may be cut, damaged or without room: the images are read again, or it is a clear error."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgetl.data import folder as folders
from edgetl.data.base import Images, Listing
from edgetl.data.images import CacheIndex
from edgetl.errors import DataError, RunError
from tests.data.conftest import fill
from tests.disk import mounted, remount

Read = Callable[..., Images]


@pytest.fixture
def listing(tmp_path: Path) -> Listing:
    return _listing(fill(tmp_path / "images", {"a": 6, "b": 6}))


def _listing(folder: Path) -> Listing:
    found = folders.find(str(folder))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("suffix", "damage"),
    [
        (".npy", lambda content: b""),
        (".npy", lambda content: content[: len(content) // 2]),
        (".npy", lambda content: b"not an array" * 9),
        (".npy", lambda content: content.replace(b"(12, 8, 8, 3)", b"(11, 8, 8, 3)")),
        (".npy", lambda content: content.replace(b"|u1", b"|i1")),
        (".json", lambda content: b""),
        (".json", lambda content: content[:-20]),
        (".json", lambda content: b"[]"),
        (".json", lambda content: b"[1, 2]"),
        (".json", lambda content: b'{"schema_version": 1, "outcomes": [{"sha": ""}]}'),
    ],
)
def test_a_damaged_cache_is_made_again(
    tmp_path: Path, read: Read, listing: Listing, suffix: str, damage: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    first = read(listing, memory_mib=0)
    pixels = np.array(first.pixels)
    [file] = (tmp_path / "cache").glob(f"*{suffix}")
    whole = file.read_bytes()
    damaged = damage(whole)
    assert damaged != whole
    file.unlink()  # the mapped one stays as it is
    file.write_bytes(damaged)
    again = read(listing, memory_mib=0)
    np.testing.assert_array_equal(again.pixels, pixels)
    assert again.hashes == first.hashes
    assert "are read again" in caplog.text
    index = CacheIndex.parse(json.loads(next((tmp_path / "cache").glob("*.json")).read_text(encoding="utf-8")))
    assert len(index.outcomes) == 12


def test_a_full_disk_is_an_error_and_room_mends_it(tmp_path: Path, read: Read, listing: Listing) -> None:
    expected = np.array(read(listing, 64, memory_mib=0).pixels)
    with mounted(tmp_path / "disk", "100k") as disk:
        with pytest.raises(RunError, match="No space left"):
            read(listing, 64, memory_mib=0, cache=disk / "cache")
        assert list((disk / "cache").iterdir()) == []
        remount(disk, "size=10m")
        np.testing.assert_array_equal(read(listing, 64, memory_mib=0, cache=disk / "cache").pixels, expected)


def test_a_image_that_was_rewritten_with_its_old_time_is_noticed(tmp_path: Path, read: Read, listing: Listing) -> None:
    """As a changed clock does it: neither size nor time tell."""
    read(listing, memory_mib=0)
    file = tmp_path / "images" / "a" / "000.png"
    before, content = file.stat(), bytearray(file.read_bytes())
    content[-1] ^= 1  # of the checksum of the last chunk, which holds nothing
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size
    assert _listing(tmp_path / "images").stamp != listing.stamp


def test_times_in_the_future_change_nothing(tmp_path: Path, read: Read, listing: Listing) -> None:
    first = read(listing)
    for file in (tmp_path / "images").rglob("*.png"):
        os.utime(file, (4e9, 4e9))
    assert read(_listing(tmp_path / "images")).fingerprint == first.fingerprint


def test_images_that_vanish_while_they_are_read(tmp_path: Path, read: Read, listing: Listing) -> None:
    for file in (tmp_path / "images").rglob("*.png"):
        file.unlink()
    with pytest.raises(DataError, match="12 of 12 files cannot be used"):
        read(listing)
