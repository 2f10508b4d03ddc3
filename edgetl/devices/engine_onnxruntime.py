"""ONNX Runtime as an engine of runner.py. Sent to a device beside it, and stands alone as it does."""

from __future__ import annotations  # of Python 3.8, which some boards still have

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edgetl.devices.runner import Order

# The execution providers of a delegate; the first that the package was built with is used, and the CPU for what it does not take.
PROVIDERS = {
    "default": (),
    "cpu": (),
    "xnnpack": ("Xnnpack",),
    "gpu": ("CUDA", "MIGraphX", "ROCM", "Dml", "WebGpu"),
    "npu": ("QNN", "OpenVINO", "VitisAI", "VSINPU", "Rknpu", "CANN"),
    "nnapi": ("Nnapi",),
    "coreml": ("CoreML",),
}
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # from 1.29 on it reports to its maker otherwise
Trace = list[dict[str, Any]]  # ONNX Runtime's, as Python 3.8 writes the type
_CPU = "CPUExecutionProvider"


class OnnxRuntime:
    def __init__(self, job: Order) -> None:
        import onnxruntime

        self.imported = time.perf_counter()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = job.threads, 3
        options.add_session_config_entry("session.x64quantprecision", "1")  # x86 processors without VNNI saturate int8 sums otherwise
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")  # which older releases do not know
        has = onnxruntime.get_available_providers()
        if job.delegate not in PROVIDERS:
            raise SystemExit(f"ONNX Runtime has no delegate '{job.delegate}' here")
        wanted = [f"{name}ExecutionProvider" for name in PROVIDERS[job.delegate]]
        found = [name for name in wanted if name in has][:1]
        if wanted and not found:
            raise SystemExit(f"this onnxruntime has no delegate '{job.delegate}' ({' or '.join(wanted)}); it has {', '.join(sorted(has))}")
        self._options, self._providers, self._path = options, [*found, _CPU], job.model
        self._session = self._open()
        [takes] = self._session.get_inputs()
        self._name = takes.name
        self.shape = tuple(size if isinstance(size, int) else 1 for size in takes.shape)
        self.dtype = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}[takes.type]

    def _open(self) -> Any:
        import onnxruntime

        return onnxruntime.InferenceSession(self._path, self._options, providers=self._providers)

    def feed(self, images: NDArray[np.generic]) -> None:
        self._inputs = {self._name: images}

    def infer(self) -> None:
        self._values = self._session.run(None, self._inputs)

    def predictions(self) -> NDArray[np.float32]:
        values = self._values[0]
        found: NDArray[np.float32] = values.astype("float32") / 256 if values.dtype == "uint8" else values
        return found

    def profile(self, runs: int) -> dict[str, object]:
        """Return the mean milliseconds of each operator in one inference, from ONNX Runtime's own trace."""
        return {"profile": operators(self._trace(runs), runs)}

    def placed(self) -> dict[str, object]:
        if not hasattr(self._session, "get_provider_graph_assignment_info"):  # came with 1.24
            return {"operators": placed(self._trace(1))}
        parts = self._session.get_provider_graph_assignment_info()
        nodes = [(node, part.ep_name) for part in parts for node in part.get_nodes()]
        return {"operators": [{"operator": node.name, "type": node.op_type, "by": name} for node, name in nodes]}

    def _trace(self, runs: int) -> Trace:
        self._options.enable_profiling, self._options.profile_file_prefix = True, "trace"
        session = self._open()
        for _ in range(runs):
            session.run(None, self._inputs)
        trace: Trace = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
        return trace


def operators(trace: Trace, runs: int) -> list[dict[str, object]]:
    """Return the mean milliseconds of each operator in one of `runs` inferences, from ONNX Runtime's trace."""
    spent: dict[tuple[str, str], float] = {}
    for name, args, microseconds in _nodes(trace):
        key = name, args["op_name"]
        spent[key] = spent.get(key, 0) + microseconds / 1000 / runs
    return [{"operator": name, "type": kind, "ms": ms} for (name, kind), ms in spent.items()]


def placed(trace: Trace) -> list[dict[str, object]]:
    """Return the provider of each operator, from ONNX Runtime's trace; what a provider compiled is one operator there."""
    found = {name: (args["op_name"], args.get("provider", "")) for name, args, _ in _nodes(trace)}
    return [{"operator": name, "type": kind, "by": by} for name, (kind, by) in found.items()]


def _nodes(trace: Trace) -> list[tuple[str, dict[str, Any], float]]:
    end = "_kernel_time"
    nodes = [event for event in trace if event.get("cat") == "Node" and event["name"].endswith(end)]
    return [(event["name"][: -len(end)], event["args"], event["dur"]) for event in nodes]
