"""ONNX Runtime's sessions as edgetl and its apps open them: by default int8 sums saturate on x86 processors without VNNI."""

from pathlib import Path

import onnxruntime

from edgetl.export.onnx_optimizer import EXACT_SUMS


def exact_session(model: bytes | Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry(*EXACT_SUMS)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
