"""TensorFlow Lite Micro's interpreter in a process of its own, with its reference kernels."""

import importlib.util
import re
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from edgetl.errors import DependencyError, ExportError
from edgetl.software import install, version_of

ROOM_BYTES = 64 << 20  # an arena larger than any microcontroller's; memory that is not used is not touched
_START_S = 120.0  # to import NumPy and lay out the tensors on a busy machine; what takes longer hangs
_ARENA = re.compile(r"Arena allocation total (\d+) bytes")
_RECORDS = re.compile(r"^\[RecordingMicroAllocator\].*\n?", re.MULTILINE)


@dataclass(frozen=True)
class End:
    """The input or the output of a file: its shape with the batch, NumPy's name of its type, and its grid (scale 0: none)."""

    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int


@dataclass(frozen=True)
class _Ends:
    input: End
    output: End


def missing() -> str:
    """Return why nothing can be run here; empty: it can."""
    there = importlib.util.find_spec("tflite_micro") is not None
    return "" if there else "TensorFlow Lite Micro's interpreter is not installed, the Python package tflite-micro"


def version() -> str:
    """Return the version of the package; empty: it is not installed."""
    return version_of("tflite-micro")


class Interpreter:
    """A TFLite file that is loaded and ready; to be closed.

    `arena_bytes` is the memory that its tensors and the interpreter's own tables take on this computer. A microcontroller's pointers are
    half as long, so that it needs somewhat less; kernels that are made for a processor may need more, for buffers of theirs.

    Raises DependencyError without the package tflite-micro, ExportError that repeats its words for a file that it cannot run.
    """

    def __init__(self, content: bytes, arena_bytes: int = ROOM_BYTES) -> None:
        if missing():
            raise DependencyError(missing(), install("mcu"))
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edgetl-")))
            model = folder / "model.tflite"
            model.write_bytes(content)
            self._said = (folder / "stderr").open("w+b")
            stack.callback(self._said.close)
            command = [sys.executable, "-P", "-m", "edgetl.micro.program", str(model), str(arena_bytes)]
            self._program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said)
            assert self._program.stdin is not None
            assert self._program.stdout is not None
            self._stdin, self._stdout = self._program.stdin, self._program.stdout
            stack.callback(self._end)
            hangs = threading.Timer(_START_S, self._program.kill)
            hangs.start()
            line = self._stdout.readline()
            hangs.cancel()
            if not line.endswith(b"\n"):
                raise self._failure()
            found = TypeAdapter(_Ends).validate_json(line)
            self.input, self.output = found.input, found.output
            [self.arena_bytes] = map(int, _ARENA.findall(self._words()))
            self._close = stack.pop_all().close

    def __call__(self, image: NDArray[np.generic], /) -> NDArray[np.generic]:
        """Return the output of one image of the file's own type and shape, in its own type. Raises ExportError when it cannot be run."""
        data = np.ascontiguousarray(image, self.input.dtype).tobytes()
        size = int(np.prod(self.output.shape)) * np.dtype(self.output.dtype).itemsize
        try:
            self._stdin.write(data)
            self._stdin.flush()
        except BrokenPipeError:
            raise self._failure() from None
        values = self._stdout.read(size)
        if len(values) != size:
            raise self._failure()
        return np.frombuffer(values, self.output.dtype).reshape(self.output.shape)

    def close(self) -> None:
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_close"):
            self.close()

    def _end(self) -> None:
        self._program.kill()
        self._program.wait()
        self._stdin.close()
        self._stdout.close()

    def _words(self) -> str:
        self._said.seek(0)
        return self._said.read().decode(errors="replace")

    def _failure(self) -> ExportError:
        code = self._program.wait()
        lines = [line for line in _RECORDS.sub("", self._words()).splitlines() if line.strip() and not line.startswith((" ", "Trace"))]
        reason = "; ".join(lines[-3:]) or f"it ended with exit code {code}"
        return ExportError(f"TensorFlow Lite Micro cannot run the file: {reason}", "it is damaged, or needs what that does not have")
