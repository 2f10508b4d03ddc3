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
from edgetl.runtimes.base import SIDE_BY_SIDE, Runtime, check_dtypes, check_shapes, opening, side_by_side


class LiteRTSession:
    """An interpreter with its tensors in place; float32 files take pixels 0..255 too, the normalization being inside.

    Several images are shared out to several interpreters, one a core: a file takes one image at a time.
    `input` and `output` are what LiteRT tells of them: index, name, shape, dtype, quantization.

    Args:
        interpreter: makes one, with its tensors allocated.
    """

    batch_size = 16 * SIDE_BY_SIDE

    def __init__(self, interpreter: Callable[[], Any]) -> None:
        self._new, self._interpreters = interpreter, [interpreter()]
        [self.input] = self._interpreters[0].get_input_details()
        [self.output] = self._interpreters[0].get_output_details()

    def __call__(self, pixels: NDArray[np.uint8], /) -> NDArray[np.float32]:
        wanted = min(SIDE_BY_SIDE, len(pixels))
        self._interpreters += [self._new() for _ in range(wanted - len(self._interpreters))]
        return side_by_side([partial(self._probabilities, interpreter) for interpreter in self._interpreters[:wanted]], pixels)

    def _probabilities(self, interpreter: Any, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        interpreter.set_tensor(self.input["index"], image.astype(self.input["dtype"], copy=False))
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


def open_session(path: Path, contract: Contract, threads: int = 1) -> LiteRTSession:
    with opening(path, ValueError, RuntimeError):
        session = LiteRTSession(partial(_interpreter, path.read_bytes(), threads))  # read once: the file may be gone when more are made
    takes, gives = session.input, session.output
    check_shapes(path, takes["shape"].tolist(), gives["shape"].tolist(), contract)
    check_dtypes(path, np.dtype(takes["dtype"]).name, np.dtype(gives["dtype"]).name, contract)
    return session


RUNTIME = Runtime(open_session)
