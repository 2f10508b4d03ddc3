"""This host: the runner in a process of its own, so that nothing of edgetl's (TensorFlow's threads, memory) is measured with it."""

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from edgetl.devices.base import Kind, PythonDevice
from edgetl.devices.process import Surroundings, call
from edgetl.documents import Part


class LocalSettings(Part):
    """Settings of this host in the devices file.

    Args:
        python: the Python to use; None: the one that runs edgetl.
    """

    python: str | None = None


class LocalDevice(PythonDevice):
    """A temporary folder and a Python, by default the one that runs edgetl."""

    def __init__(self, name: str, python: Sequence[str] = (sys.executable,)) -> None:
        self.name, self.python = name, python
        self._folder = Path(tempfile.mkdtemp(prefix="edgetl-"))

    def push(self, source: Path, name: str) -> None:
        shutil.copyfile(source, self._folder / name)

    def run(self, command: Sequence[str], timeout_s: float) -> str:
        return call(self.name, command, timeout_s, Surroundings(cwd=self._folder)).decode(errors="replace")

    def pull(self, name: str) -> bytes:
        return (self._folder / name).read_bytes()

    def close(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def _open(name: str, target: str, settings: LocalSettings) -> LocalDevice:
    return LocalDevice(name, (settings.python or sys.executable,))


KIND = Kind(_open, LocalSettings, lambda: [""])
