"""Small disks of memory, to be filled or made read-only."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(place: Path, size: str) -> Iterator[Path]:
    """A disk of that size (mount's notation) at a new folder; skips where this user may not mount."""
    place.mkdir()
    done = _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place))
    if done.returncode:
        pytest.skip(f"cannot mount a small disk: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True, timeout=60)


def remount(place: Path, options: str) -> None:
    """size=SIZE, ro or rw."""
    done = _mount("-o", f"remount,{options}", str(place))
    assert done.returncode == 0, done.stderr


def _mount(*arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(["mount", *arguments], capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError as error:
        return subprocess.CompletedProcess(arguments, 127, "", str(error))
