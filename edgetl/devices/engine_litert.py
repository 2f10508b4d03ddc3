"""LiteRT's Interpreter as an engine of runner.py. Sent to a device beside it, and stands alone as it does."""

from __future__ import annotations  # of Python 3.8, which some boards still have

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edgetl.devices.runner import Order

DELEGATE = "DELEGATE"  # the type of the operators that a delegate puts behind the model's own


class LiteRT:
    def __init__(self, job: Order) -> None:
        self._job = job
        try:
            from ai_edge_litert import interpreter as litert
        except ImportError:
            from tflite_runtime import interpreter as litert
        if job.delegate not in ("default", "cpu", "xnnpack"):
            raise SystemExit(f"LiteRT has no delegate '{job.delegate}' here")
        kind = litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES if job.delegate == "cpu" else litert.OpResolverType.AUTO
        self.imported = time.perf_counter()
        interpreter = litert.Interpreter(model_path=job.model, num_threads=job.threads, experimental_op_resolver_type=kind)
        interpreter.allocate_tensors()
        [takes], [self._gives] = interpreter.get_input_details(), interpreter.get_output_details()
        self.shape, self.dtype = tuple(takes["shape"]), takes["dtype"]
        self.infer: Callable[[], None] = interpreter.invoke
        self._interpreter, self._at = interpreter, takes["index"]

    def feed(self, images: NDArray[np.generic]) -> None:
        self._interpreter.set_tensor(self._at, images)

    def predictions(self) -> NDArray[np.float32]:
        return dequantized(self._interpreter.get_tensor(self._gives["index"]), self._gives)

    def profile(self, runs: int) -> dict[str, object]:
        """Run litert_profile.py in a process of its own, so that what was measured outlives a crash of the library."""
        command = [sys.executable, "litert_profile.py", self._job.model, str(runs), str(self._job.threads), self._job.delegate]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=60 + 2 * runs)
            return {"profile": json.loads(Path("profile.json").read_text(encoding="utf-8"))}
        except subprocess.CalledProcessError as error:
            said = (error.stderr.strip().splitlines() or [""])[-1]
            return {"profile_note": said if error.returncode == 1 else f"LiteRT's profiler ended with exit code {error.returncode}: {said}"}
        except (OSError, subprocess.TimeoutExpired) as error:
            return {"profile_note": str(error)}

    def placed(self) -> dict[str, object]:
        return {"operators": operators(self._interpreter)}


def dequantized(values: NDArray[np.generic], tensor: dict[str, Any]) -> NDArray[np.float32]:
    """Return an output as probabilities."""
    scale, zero = tensor["quantization"]
    floats: NDArray[np.float32] = values.astype("float32", copy=False)
    return (floats - zero) * scale if scale else floats


def operators(interpreter: Any) -> list[dict[str, object]]:
    """Return the model's operators, and whether XNNPACK runs each: those from which an operator of a delegate computes what it gives."""
    names = {tensor["index"]: tensor["name"] for tensor in interpreter.get_tensor_details()}
    nodes = interpreter._get_ops_details()
    own = [node for node in nodes if node["op_name"] != DELEGATE]
    maker = {tensor: place for place, node in enumerate(own) for tensor in node["outputs"]}
    taken: set[int] = set()
    for node in nodes[len(own) :]:
        waiting, known = list(node["outputs"]), set(node["inputs"])
        while waiting:
            place = maker.get(waiting.pop())
            if place is not None and place not in taken:
                taken.add(place)
                waiting += [tensor for tensor in own[place]["inputs"] if tensor not in known]
    return [
        {"operator": names[node["outputs"][0]], "type": node["op_name"], "by": "XNNPACK" if place in taken else "built-in kernels"}
        for place, node in enumerate(own)
    ]
