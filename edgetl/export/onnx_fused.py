"""ONNX files for ONNX Runtime; int8 ones are made of its own fused integer operators."""

from edgetl.export import onnx_qdq
from edgetl.export.base import Conversion, Format
from edgetl.input import Batch
from edgetl.quantization.bounds import ENGINES, FUSED, HALVES, SUMMATION


def _convert(conversion: Conversion) -> bytes:
    from edgetl.export import onnx_writer

    if conversion.scheme.quantize:
        return onnx_writer.fused(conversion.file("onnx_qdq"))
    # The TFLite file's weights are halves already where that is wanted, so that nothing is rounded here.
    return onnx_writer.float_onnx(conversion.file("tflite"), halves=conversion.scheme.halves)


def in_batches(conversion: Conversion, batch: Batch) -> bytes:
    """Return the file for so many images at a time. Raises ExportError."""
    from edgetl.export import onnx_batch, onnx_writer

    if not conversion.scheme.quantize:
        return onnx_batch.in_batches(conversion.file("onnx"), batch)
    # Before they are fused: ONNX Runtime moves axes that are 1 as if none of them were the batch.
    content = onnx_writer.fused(onnx_qdq.in_batches(conversion, batch))
    if not conversion.selective:
        onnx_writer.check_integer(content, conversion.contract)
    return content


FORMAT = Format(
    name="onnx",
    suffix=".onnx",
    runtime="onnxruntime",
    precisions=("float32", "float16", "int8"),
    convert=_convert,
    stamp=onnx_qdq.stamp,
    in_batches=in_batches,
    free_batch=True,
    style="integer",
    agrees={
        "float32": {"tflite_float32": SUMMATION},
        "float16": {"tflite_float16": HALVES},
        "int8": {"tflite_int8": ENGINES, "onnx_qdq_int8": FUSED},
    },
)
