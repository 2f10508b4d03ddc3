"""int8 ONNX files of plain operators between Q/DQ pairs, for runtimes that fuse for themselves and know no com.microsoft operators.

TensorRT takes them only where zero points are 0, and these activations are asymmetric: give it the float16 file.
"""

from edgetl.contract import Contract
from edgetl.export.base import Format
from edgetl.export.onnx_file import quantized_pairs, stamp


def _convert(source: bytes, contract: Contract, precision: str, selective: bool = False) -> bytes:
    del precision  # there is one
    return quantized_pairs(source, selective)


FORMAT = Format("_qdq.onnx", ("int8",), _convert, stamp)
