"""Models to files. A format is one file with a `FORMAT` and one line here; the first that carries a precision is its main one."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from edgetl.errors import UsageError
from edgetl.registry import Registry, did_you_mean

if TYPE_CHECKING:
    from edgetl.export.base import Format

FORMATS: "Registry[Format]" = Registry(
    "format",
    {
        "tflite": ("edgetl.export.tflite:FORMAT", "LiteRT (Android, iOS, Linux boards, web): float32, float16, int8"),
        "onnx": ("edgetl.export.onnx_fused:FORMAT", "ONNX Runtime (anywhere): float32, float16, int8 as fused integer operators"),
        "onnx_qdq": ("edgetl.export.onnx_qdq:FORMAT", "accelerators that read ONNX (QNN, OpenVINO): int8 as Q/DQ pairs"),
        "ort": ("edgetl.export.ort:FORMAT", "ONNX Runtime's small builds for phones: float32, float16, int8, optimized already"),
        "coreml": ("edgetl.export.coreml:FORMAT", "Apple's devices: float32, float16, from image to class; in the extra coreml"),
        "tflm": ("edgetl.export.tflm:FORMAT", "microcontrollers, TensorFlow Lite Micro: int8 with its C++ sources; in the extra mcu"),
        "ethos_u": ("edgetl.export.ethos_u:FORMAT", "microcontrollers with Arm's Ethos-U: int8 compiled for it; in the extra mcu"),
    },
)


def format_of(file_name: str) -> "Format":
    """Return the format of an exported file by its ending. Raises UsageError when it is of none."""
    # The longest ending: model_int8_qdq.onnx ends as an .onnx file does, too.
    name = file_name.lower()
    found = max((FORMATS.load(form) for form in FORMATS), key=lambda form: len(form.suffix) if name.endswith(form.suffix) else 0)
    if not name.endswith(found.suffix):
        raise UsageError(f"{file_name} is not a file of 'edgetl export'", "name one of the run's export folder")
    return found


def in_style(names: Iterable[str], style: str) -> list[str]:
    """Return the formats with those that are written in several styles replaced by the one of this style. Raises UsageError."""
    styled = {form.style: name for name in FORMATS if (form := FORMATS.load(name)).style}
    if style not in styled:
        raise UsageError(f"there is no ONNX style '{style}'", did_you_mean(style, styled))
    return list(dict.fromkeys(styled[style] if FORMATS.load(name).style else name for name in names))


def main_format(runtime: str) -> "Format":
    """Return the first format that a runtime runs. Raises UsageError when there is none."""
    found = {form.runtime: form for name in reversed(list(FORMATS)) if (form := FORMATS.load(name))}
    if runtime not in found:
        raise UsageError(f"no file is exported for the runtime '{runtime}'", did_you_mean(runtime, found))
    return found[runtime]


def formats_of(precision: str) -> list[str]:
    """Return the names of the formats that carry a precision, the main one first."""
    return [name for name in FORMATS if precision in FORMATS.load(name).precisions]
