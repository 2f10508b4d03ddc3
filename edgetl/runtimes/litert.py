"""LiteRT (TensorFlow Lite): the interpreter that phones and boards use, with its default XNNPACK kernels."""

from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from edgetl.contract import InputContract
from edgetl.errors import ExportError
from edgetl.runtimes.base import check_dtypes, check_shapes, opening


class LiteRTSession:
    """An interpreter with its tensors in place; float32 files take pixels 0..255 too, the normalization being inside.

    `input` and `output` are what LiteRT tells of them: index, name, shape, dtype, quantization.
    """

    batch_size = 1

    def __init__(self, interpreter: Any) -> None:
        self._interpreter = interpreter
        [self.input] = interpreter.get_input_details()
        [self.output] = interpreter.get_output_details()

    def __call__(self, pixels: NDArray[np.uint8], /) -> NDArray[np.float32]:
        return np.concatenate([self._probabilities(picture) for picture in pixels[:, None]])

    def _probabilities(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        self._interpreter.set_tensor(self.input["index"], picture.astype(self.input["dtype"], copy=False))
        try:
            self._interpreter.invoke()
        except RuntimeError as error:  # kernels check what they are given when they run
            raise ExportError(f"the model cannot be run: {error}", "it is damaged: export it again") from error
        values = self._interpreter.get_tensor(self.output["index"]).astype(np.float32, copy=False)
        scale, zero_point = self.output["quantization"]
        quantized = scale != 0  # how LiteRT marks a tensor that is not
        probabilities: NDArray[np.float32] = (values - np.float32(zero_point)) * np.float32(scale) if quantized else values
        return probabilities


def open_session(path: Path, contract: InputContract, threads: int = 1) -> LiteRTSession:
    with opening(path, ValueError, RuntimeError):
        interpreter = Interpreter(model_path=str(path), num_threads=threads)
        interpreter.allocate_tensors()
        session = LiteRTSession(interpreter)
    takes, gives = session.input, session.output
    check_shapes(path, takes["shape"].tolist(), gives["shape"].tolist(), contract)
    check_dtypes(path, np.dtype(takes["dtype"]).name, np.dtype(gives["dtype"]).name)
    return session
