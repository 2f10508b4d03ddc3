"""Model files run on this machine, one file a runtime; all of them are a `Session` from raw pixels to probabilities."""

from collections.abc import Iterable
from pathlib import Path

from edgetl.contract import Contract
from edgetl.errors import UsageError
from edgetl.export import FORMATS, format_of
from edgetl.input import Batch
from edgetl.registry import Registry
from edgetl.runtimes.base import Memory, Runtime, Session

RUNTIMES: Registry[Runtime] = Registry(
    "runtime",
    {
        "keras": ("edgetl.runtimes.keras:RUNTIME", "TensorFlow's Keras, for .keras: what was trained"),
        "litert": ("edgetl.runtimes.litert:RUNTIME", "LiteRT (TensorFlow Lite), for .tflite: phones and boards"),
        "onnxruntime": ("edgetl.runtimes.onnxruntime:RUNTIME", "ONNX Runtime, for .onnx and .ort: servers, desktops, the web"),
        "coreml": ("edgetl.runtimes.coreml:RUNTIME", "Core ML, for .mlpackage: Apple's devices; not on this machine"),
        "tflm": ("edgetl.runtimes.tflm:RUNTIME", "TensorFlow Lite Micro, for .tflm.zip: microcontrollers"),
        "ethos_u": ("edgetl.runtimes.ethos_u:RUNTIME", "Arm's Ethos-U, for .ethos_u.zip: microcontrollers; not on this machine"),
    },
)
TRAINED = "keras"  # what runs a model that is not exported
_TRAINED_SUFFIX = ".keras"


def runtime_of(path: Path) -> str:
    """Return the name of the runtime that reads a file, by its ending. Raises UsageError for an ending that none reads."""
    if path.name.lower().endswith(_TRAINED_SUFFIX):
        return TRAINED
    try:
        return format_of(path.name).runtime
    except UsageError:
        endings = (_TRAINED_SUFFIX, *(FORMATS.load(name).suffix for name in FORMATS))
        raise UsageError(f"no runtime reads {path}", f"name a file that ends in one of: {', '.join(endings)}") from None


def unverified(path: Path) -> str:
    """Return why a file cannot be run here, so that nothing is known of its predictions; empty for one that can."""
    return RUNTIMES.load(runtime_of(path)).missing


def batch_of(path: Path) -> Batch:
    """Return how many images a file takes at a time. Raises UsageError, RunError (no file) or ExportError (damaged)."""
    return RUNTIMES.load(runtime_of(path)).batch_of(path)


def memory_of(path: Path) -> Memory | None:
    """Return what a file takes of a microcontroller; None: it is for none. Raises as `batch_of` does."""
    found = RUNTIMES.load(runtime_of(path)).memory_of
    return found(path) if found else None


def of_integers(paths: Iterable[Path]) -> list[str]:
    """Return what other programs have to do on a processor like this one for these integer files, see `Runtime`."""
    found = (RUNTIMES.load(runtime_of(path)).of_integers() for path in paths)
    return list(dict.fromkeys(filter(None, found)))


def open_session(path: Path, contract: Contract, threads: int = 1) -> Session:
    """Open a file in its runtime. Raises UsageError, RunError (no file) or ExportError (damaged, or not of this contract)."""
    return RUNTIMES.load(runtime_of(path)).open_session(path, contract, threads)
