"""ONNX Runtime on the CPU, with the session options an app gets by default: what is validated is what will run."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession, SessionOptions
from onnxruntime.capi import onnxruntime_pybind11_state as state

from edgetl.contract import Contract
from edgetl.errors import ExportError
from edgetl.output import PROBABILITY_SCALE
from edgetl.runtimes.base import SIDE_BY_SIDE, Runtime, check_dtypes, check_shapes, opening, side_by_side

_ERRORS_ONLY = 3  # log severity: below it are notes on graph optimization
_DTYPES = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}
_FAULTS = (state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf, state.NotImplemented, state.RuntimeException)


class OnnxRuntimeSession:
    """A session; float32 files take pixels 0..255 too, the normalization being inside.

    A file takes one image at a time; several are run side by side, one a core.
    `input` and `output` are what ONNX Runtime tells of them: name, shape, type.
    """

    batch_size = 16 * SIDE_BY_SIDE

    def __init__(self, session: Any) -> None:
        self._session = session
        [self.input] = session.get_inputs()
        [self.output] = session.get_outputs()
        self._dtype = np.uint8 if self.input.type == "tensor(uint8)" else np.float32

    def __call__(self, pixels: NDArray[np.uint8], /) -> NDArray[np.float32]:
        return side_by_side([self._probabilities] * min(SIDE_BY_SIDE, len(pixels)), pixels)

    def _probabilities(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        try:
            [values] = self._session.run(None, {self.input.name: image.astype(self._dtype, copy=False)})
        except _FAULTS as error:  # kernels check what they are given when they run
            raise ExportError(f"the model cannot be run: {error}", "it is damaged: export it again") from error
        probabilities: NDArray[np.float32] = values * np.float32(PROBABILITY_SCALE) if values.dtype == np.uint8 else values
        return probabilities


def open_session(path: Path, contract: Contract, threads: int = 1) -> OnnxRuntimeSession:
    options = SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = _ERRORS_ONLY
    with opening(path, ValueError, *_FAULTS):
        session = OnnxRuntimeSession(InferenceSession(str(path), options, providers=["CPUExecutionProvider"]))
    check_shapes(path, session.input.shape, session.output.shape, contract)
    takes, gives = (_DTYPES.get(end.type, end.type) for end in (session.input, session.output))
    check_dtypes(path, takes, gives, contract)
    return session


RUNTIME = Runtime(open_session)
