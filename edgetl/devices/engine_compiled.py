"""LiteRT's CompiledModel, which runs a model on the GPU or the NPU, as an engine of runner.py. Sent to a device beside it.

Its `is_fully_accelerated` proves nothing: it is true for a float model on the CPU where there is no NPU (ai-edge-litert 2.3). So it is
asked for the accelerator alone first, which it refuses where one operator would stay on the CPU, and for both only then.
"""

from __future__ import annotations  # of Python 3.8, which some boards still have

import os
import re
import sys
import tempfile
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edgetl.devices.runner import Order

from engine_litert import dequantized, operators  # type: ignore[import-not-found]  # beside this file, on a device

_REASONS = (r"ERROR: \[[^\]]*\][^\S\n]+(\S.*)", "\u2514 (?!ERROR)(.+)")  # first those of a part that was there
_NPU = re.compile(r"[1-9]\d* compiler plugins were applied")


class CompiledLiteRT:
    def __init__(self, job: Order) -> None:
        try:
            from ai_edge_litert.compiled_model import CompiledModel, CpuOptions, HardwareAccelerator, Options
            from ai_edge_litert.interpreter import Interpreter, OpResolverType
        except ImportError:
            raise SystemExit(f"only ai-edge-litert 2 has a delegate '{job.delegate}'") from None
        self.imported = time.perf_counter()
        wanted = HardwareAccelerator[job.delegate.upper()]

        def compiled(accelerators: object) -> object:
            return CompiledModel.from_file(
                job.model, options=Options(hardware_accelerators=accelerators, cpu_options=CpuOptions(num_threads=job.threads))
            )

        self._alone = True
        self._model: Any
        self._model, self._log = logged(lambda: compiled(wanted))
        if self._model is None:
            self._alone = False
            self._model, self._log = logged(lambda: compiled(wanted | HardwareAccelerator.CPU))
        if job.delegate == "npu" and not self._alone and not _NPU.search(self._log):
            self._model = None  # there is no NPU, and the CPU alone would be measured; closed now, LiteRT says no last words
        if self._model is None:
            raise SystemExit(f"LiteRT has no delegate '{job.delegate}' for this model here: {reason(self._log)}")
        plain = Interpreter(model_path=job.model, experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
        [takes], [self._gives] = plain.get_input_details(), plain.get_output_details()
        self._operators = operators(plain)
        self.shape, self.dtype = tuple(takes["shape"]), takes["dtype"]
        self._takes, self._buffers = self._model.create_input_buffers(0), self._model.create_output_buffers(0)
        self._size = 1
        for length in self._gives["shape"]:
            self._size *= int(length)

    def feed(self, images: NDArray[np.generic]) -> None:
        self._takes[0].write(images)

    def infer(self) -> None:
        """Run the model and read its output, as any app must: until then a GPU may still compute."""
        self._model.run_by_index(0, self._takes, self._buffers)
        self._values = self._buffers[0].read(self._size, self._gives["dtype"])

    def predictions(self) -> NDArray[np.float32]:
        found: NDArray[np.float32] = dequantized(self._values.reshape(self._gives["shape"]), self._gives)
        return found

    def profile(self, runs: int) -> dict[str, object]:
        return {"profile_note": "LiteRT has no profile of a model on the GPU or the NPU"}

    def placed(self) -> dict[str, object]:
        return {"operators": [{**one, "by": ""} for one in self._operators], "alone": self._alone, "log": self._log}


def logged(make: Callable[[], object]) -> tuple[object, str]:
    """Return what is made, None where LiteRT refuses, and all that its libraries and the refusal said meanwhile."""
    refused, kept = "", os.dup(2)
    with tempfile.TemporaryFile() as file:
        sys.stderr.flush()
        os.dup2(file.fileno(), 2)
        made = None
        try:
            made = make()
        except RuntimeError as error:
            refused = str(error)
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        file.seek(0)
        said = file.read().decode(errors="replace")
    return made, f"{said}\n{refused}"


def reason(log: str) -> str:
    """Return what a log gives as its first reason."""
    return next((found[1] for pattern in _REASONS if (found := re.search(pattern, log))), log.strip().rpartition("\n")[2])
