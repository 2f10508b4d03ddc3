"""Model files run on this machine, one file a runtime; all of them are a `Session` from raw pixels to probabilities."""

from pathlib import Path

from edgetl.contract import Contract
from edgetl.errors import UsageError
from edgetl.registry import Registry
from edgetl.runtimes.base import OpenSession, Session

RUNTIMES: Registry[OpenSession] = Registry(
    "runtime",
    {
        "keras": ("edgetl.runtimes.keras:open_session", "TensorFlow's Keras, for .keras: what was trained"),
        "litert": ("edgetl.runtimes.litert:open_session", "LiteRT (TensorFlow Lite), for .tflite: phones and boards"),
        "onnxruntime": ("edgetl.runtimes.onnxruntime:open_session", "ONNX Runtime, for .onnx and .ort: servers, desktops, the web"),
    },
)
_RUNTIME_OF_SUFFIX = {".keras": "keras", ".tflite": "litert", ".onnx": "onnxruntime", ".ort": "onnxruntime", ".mlpackage.zip": "coreml"}
_ELSEWHERE = {"coreml": "Core ML predicts on macOS only"}


def runtime_of(path: Path) -> str:
    """The runtime's name, by the file's suffix. Raises UsageError for a suffix that none reads."""
    for suffix, runtime in _RUNTIME_OF_SUFFIX.items():
        if path.name.lower().endswith(suffix):
            return runtime
    raise UsageError(f"no runtime reads {path}", f"name a file that ends in one of: {', '.join(_RUNTIME_OF_SUFFIX)}")


def unverified(path: Path) -> str:
    """Why a file cannot be run here, so that nothing is known of its predictions; empty for one that can."""
    return _ELSEWHERE.get(runtime_of(path), "")


def open_session(path: Path, contract: Contract, threads: int = 1) -> Session:
    """The file in its runtime. Raises UsageError, RunError (no file) or ExportError (damaged, or not of this contract)."""
    if unverified(path):
        raise UsageError(f"{path} cannot be run here: {unverified(path)}", "name another file of the run")
    return RUNTIMES.load(runtime_of(path))(path, contract, threads)
