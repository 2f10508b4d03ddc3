"""ONNX Runtime on the CPU, with the session options that the apps made here have: what is validated is what will run."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession, SessionOptions

from edgetl.contract import Contract
from edgetl.errors import ExportError
from edgetl.export.onnx_optimizer import ERRORS_ONLY, EXACT_SUMS, FAULTS
from edgetl.input import Batch
from edgetl.output import PROBABILITY_SCALE
from edgetl.runtimes.base import SIDE_BY_SIDE, Runtime, batch_in, check_dtypes, check_shapes, in_batches, opening, profitable, side_by_side
from edgetl.runtimes.cpu import cpu_facts

_DTYPES = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}


class OnnxRuntimeSession:
    """A session; float32 files take pixels 0..255 too, the normalization being inside.

    Several images are run side by side, on each core as many as the file takes at a time.
    `input` and `output` are what ONNX Runtime tells of them: name, shape, type.
    """

    def __init__(self, session: Any) -> None:
        self._session = session
        [self.input] = session.get_inputs()
        [self.output] = session.get_outputs()
        self.batch = batch_in(self.input.shape)
        self.batch_size = profitable(self.batch)
        self._dtype = np.uint8 if self.input.type == "tensor(uint8)" else np.float32

    def __call__(self, pixels: NDArray[np.uint8], /) -> NDArray[np.float32]:
        parts = in_batches(pixels, self.batch)
        return side_by_side([self._probabilities] * min(SIDE_BY_SIDE, len(parts)), parts)[: len(pixels)]

    def _probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        try:
            [values] = self._session.run(None, {self.input.name: images.astype(self._dtype, copy=False)})
        except FAULTS as error:  # kernels check what they are given when they run
            raise ExportError(f"the model cannot be run: {error}", "it is damaged: export it again") from error
        probabilities: NDArray[np.float32] = values * np.float32(PROBABILITY_SCALE) if values.dtype == np.uint8 else values
        return probabilities


def _opened(path: Path, threads: int = 1) -> OnnxRuntimeSession:
    options = SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = ERRORS_ONLY
    options.add_session_config_entry(*EXACT_SUMS)
    with opening(path, ValueError, *FAULTS):
        return OnnxRuntimeSession(InferenceSession(str(path), options, providers=["CPUExecutionProvider"]))


def batch_of(path: Path) -> Batch:
    return _opened(path).batch


def open_session(path: Path, contract: Contract, threads: int = 1) -> OnnxRuntimeSession:
    session = _opened(path, threads)
    check_shapes(path, session.input.shape, session.output.shape, contract)
    takes, gives = (_DTYPES.get(end.type, end.type) for end in (session.input, session.output))
    check_dtypes(path, takes, gives, contract)
    return session


_SATURATES = (
    "this processor has no VNNI, where ONNX Runtime saturates sums unless its session option session.x64quantprecision is 1: edgetl and "
    "its apps set it, and so must programs of yours"
)
RUNTIME = Runtime(open_session, batch_of, of_integers=lambda: _SATURATES if cpu_facts().saturates else "")
