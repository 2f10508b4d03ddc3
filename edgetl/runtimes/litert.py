"""LiteRT (TensorFlow Lite): the interpreter that phones and boards use, with its default XNNPACK kernels."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from edgetl.contract import Contract
from edgetl.errors import ExportError
from edgetl.input import Batch
from edgetl.runtimes.base import SIDE_BY_SIDE, Runtime, batch_in, check_dtypes, check_shapes, in_batches, opening, profitable, side_by_side


class LiteRTSession:
    """An interpreter with its tensors in place; float32 files take pixels 0..255 too, the normalization being inside.

    Several images are shared out to several interpreters, one a core, each with as many as the file takes at a time.
    `input` and `output` are what LiteRT tells of them: index, name, shape, dtype, quantization.

    Args:
        interpreter: makes one, with its tensors allocated.
    """

    def __init__(self, interpreter: Callable[[], Any]) -> None:
        self._new, self._interpreters = interpreter, [interpreter()]
        [self.input] = self._interpreters[0].get_input_details()
        [self.output] = self._interpreters[0].get_output_details()
        self.batch = batch_in(self.input["shape"].tolist())
        self.batch_size = profitable(self.batch)

    def __call__(self, pixels: NDArray[np.uint8], /) -> NDArray[np.float32]:
        parts = in_batches(pixels, self.batch)
        wanted = min(SIDE_BY_SIDE, len(parts))
        self._interpreters += [self._new() for _ in range(wanted - len(self._interpreters))]
        interpreters = self._interpreters[:wanted]
        return side_by_side([partial(self._probabilities, interpreter) for interpreter in interpreters], parts)[: len(pixels)]

    def _probabilities(self, interpreter: Any, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        interpreter.set_tensor(self.input["index"], images.astype(self.input["dtype"], copy=False))
        try:
            interpreter.invoke()
        except RuntimeError as error:  # kernels check what they are given when they run
            raise ExportError(f"the model cannot be run: {error}", "it is damaged: export it again") from error
        values = interpreter.get_tensor(self.output["index"]).astype(np.float32, copy=False)
        scale, zero_point = self.output["quantization"]
        quantized = scale != 0  # how LiteRT marks a tensor that is not
        probabilities: NDArray[np.float32] = (values - np.float32(zero_point)) * np.float32(scale) if quantized else values
        return probabilities


def _interpreter(content: bytes, threads: int) -> Any:
    interpreter = Interpreter(model_content=content, num_threads=threads)
    interpreter.allocate_tensors()
    return interpreter


def _opened(path: Path, threads: int = 1) -> LiteRTSession:
    with opening(path, ValueError, RuntimeError):
        return LiteRTSession(partial(_interpreter, path.read_bytes(), threads))  # read once: the file may be gone when more are made


def batch_of(path: Path) -> Batch:
    return _opened(path).batch


def open_session(path: Path, contract: Contract, threads: int = 1) -> LiteRTSession:
    session = _opened(path, threads)
    takes, gives = session.input, session.output
    check_shapes(path, takes["shape"].tolist(), gives["shape"].tolist(), contract)
    check_dtypes(path, np.dtype(takes["dtype"]).name, np.dtype(gives["dtype"]).name, contract)
    return session


RUNTIME = Runtime(open_session, batch_of)
