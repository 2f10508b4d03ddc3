"""Let ONNX Runtime optimize a graph, and take it back as a file."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as state

ERRORS_ONLY = 3  # log severity: it warns of a graph that is optimized already, or may match this machine only
EXACT_SUMS = ("session.x64quantprecision", "1")  # x86 processors without VNNI saturate int8 sums otherwise; no other heeds it
# What it raises, which has no common base.
FAULTS = (state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf, state.NotImplemented, state.RuntimeException)
_LEVELS = onnxruntime.GraphOptimizationLevel


def optimized(
    content: bytes, *, for_any_processor: bool = False, without: Sequence[str] = (), form: Literal["ONNX", "ORT"] = "ONNX"
) -> bytes:
    """Return the graph as ONNX Runtime runs it on this machine, by default with its default session options.

    Args:
        for_any_processor: only up to the extended level, which knows no machine; the next one lays out memory for the CPU at hand.
        without: names of optimizations to leave out.
        form: how it is written, in ONNX Runtime's words.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "optimized"
        options = onnxruntime.SessionOptions()
        options.log_severity_level = ERRORS_ONLY
        options.graph_optimization_level = _LEVELS.ORT_ENABLE_EXTENDED if for_any_processor else _LEVELS.ORT_ENABLE_ALL
        options.optimized_model_filepath = str(path)
        options.add_session_config_entry("session.save_model_format", form)
        if form == "ORT":  # which is not optimized again when it is opened
            options.add_session_config_entry(*EXACT_SUMS)
        onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"], disabled_optimizers=list(without))
        return path.read_bytes()
