"""int8 ONNX files of plain operators between Q/DQ pairs, for runtimes that fuse for themselves and know no com.microsoft operators.

TensorRT takes them only where zero points are 0, and these activations are asymmetric: give it the float16 file.
"""

from edgetl.contract import Contract
from edgetl.export.base import About, Conversion, Format
from edgetl.input import Batch
from edgetl.quantization.bounds import ENGINES


def _convert(conversion: Conversion) -> bytes:
    from edgetl.export import onnx_writer

    return onnx_writer.quantized_pairs(conversion.file("tflite"), conversion.contract, selective=conversion.selective)


def in_batches(conversion: Conversion, batch: Batch) -> bytes:
    """Return the file for so many images at a time. Raises ExportError."""
    from edgetl.export import onnx_batch

    return onnx_batch.in_batches(conversion.file("onnx_qdq"), batch)


def stamp(content: bytes, contract: Contract, about: About) -> bytes:
    """Put facts into an ONNX file, as its metadata_props."""
    from edgetl.export.onnx_stamp import stamp

    return stamp(content, contract, about)


FORMAT = Format(
    name="onnx_qdq",
    suffix="_qdq.onnx",
    runtime="onnxruntime",
    precisions=("int8",),
    convert=_convert,
    stamp=stamp,
    in_batches=in_batches,
    free_batch=True,
    style="qdq",
    agrees={"int8": {"tflite_int8": ENGINES}},
)
