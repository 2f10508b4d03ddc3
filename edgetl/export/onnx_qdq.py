"""int8 ONNX files of plain operators between Q/DQ pairs, for runtimes that fuse for themselves and know no com.microsoft operators.

TensorRT takes them only where zero points are 0, and these activations are asymmetric: give it the float16 file.
"""

from edgetl.contract import Contract
from edgetl.export.base import About, Conversion, Format
from edgetl.quantization.bounds import ENGINES


def _convert(conversion: Conversion) -> bytes:
    from edgetl.export import onnx_writer

    return onnx_writer.quantized_pairs(conversion.file("tflite"), conversion.contract, selective=conversion.selective)


def stamp(content: bytes, contract: Contract, about: About) -> bytes:
    """Put facts into an ONNX file, as its metadata_props."""
    from edgetl.export import onnx_writer

    return onnx_writer.stamp(content, contract, about)


FORMAT = Format(
    name="onnx_qdq",
    suffix="_qdq.onnx",
    runtime="onnxruntime",
    precisions=("int8",),
    convert=_convert,
    stamp=stamp,
    style="qdq",
    agrees={"int8": {"tflite_int8": ENGINES}},
)
