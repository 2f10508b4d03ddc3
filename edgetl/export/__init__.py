"""Models to files. A format is one file with a `FORMAT` and one line here; every format is made from the TFLite file's own numbers."""

from typing import TYPE_CHECKING

from edgetl.registry import Registry

if TYPE_CHECKING:
    from edgetl.export.base import Format

FORMATS: "Registry[Format]" = Registry(
    "format",
    {
        "tflite": ("edgetl.export.tflite:FORMAT", "LiteRT (Android, iOS, Linux boards, web): float32, float16, int8"),
        "onnx": ("edgetl.export.onnx:FORMAT", "ONNX Runtime (anywhere): float32, float16, int8 as fused integer operators"),
        "onnx_qdq": ("edgetl.export.onnx_qdq:FORMAT", "accelerators that read ONNX (QNN, OpenVINO): int8 as Q/DQ pairs"),
    },
)
