"""TensorFlow Lite Micro: the interpreter of microcontrollers, with its reference kernels, on this computer."""

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgetl.contract import Contract
from edgetl.export.micro_sources import MODEL, facts_of, parts
from edgetl.input import Batch
from edgetl.micro.interpreter import Interpreter, missing
from edgetl.runtimes.base import SIDE_BY_SIDE, Memory, Runtime, check_dtypes, check_shapes, in_batches, opening, profitable, side_by_side
from edgetl.software import install


class TflmSession:
    """An interpreter of one image at a time; several images are shared out to several of them, one a core."""

    batch: Batch = 1
    batch_size = profitable(1)

    def __init__(self, content: bytes) -> None:
        self._content, self._interpreters = content, [Interpreter(content)]
        self.input, self.output = self._interpreters[0].input, self._interpreters[0].output

    def __call__(self, pixels: NDArray[np.uint8], /) -> NDArray[np.float32]:
        images = in_batches(pixels, self.batch)
        wanted = min(SIDE_BY_SIDE, len(images))
        self._interpreters += [Interpreter(self._content) for _ in range(wanted - len(self._interpreters))]
        return side_by_side([partial(self._probabilities, one) for one in self._interpreters[:wanted]], images)

    def _probabilities(self, interpreter: Interpreter, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        values = interpreter(image).astype(np.float32)
        return (values - np.float32(self.output.zero_point)) * np.float32(self.output.scale) if self.output.scale else values


def open_session(path: Path, contract: Contract, threads: int = 1) -> TflmSession:
    """`threads` is not heeded: a microcontroller has one."""
    with opening(path):
        session = TflmSession(parts(path.read_bytes())[MODEL])
    check_shapes(path, session.input.shape, session.output.shape, contract)
    check_dtypes(path, session.input.dtype, session.output.dtype, contract)
    return session


def _batch_of(path: Path) -> Batch:
    with opening(path):
        parts(path.read_bytes())
    return TflmSession.batch


def _memory_of(path: Path) -> Memory:
    with opening(path):
        facts = facts_of(path.read_bytes())
    return Memory(arena_bytes=facts.arena_bytes, flash_bytes=facts.flash_bytes, macs=facts.macs)


_MISSING = missing()
RUNTIME = Runtime(open_session, _batch_of, f"{_MISSING}: {install('mcu')}" if _MISSING else "", _memory_of)
