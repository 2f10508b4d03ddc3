"""TFLite files: what LiteRT runs on phones and boards, and what most other formats are made from."""

from edgetl.contract import Contract
from edgetl.export.base import About, Conversion, Format
from edgetl.input import Batch
from edgetl.quantization.bounds import HALVES, Bound


def _convert(conversion: Conversion) -> bytes:
    from edgetl.export import tflite_writer

    return tflite_writer.convert(conversion)


def _in_batches(conversion: Conversion, batch: Batch) -> bytes:
    from edgetl.export.tflite_batch import in_batches

    assert isinstance(batch, int)  # a free one it does not have
    return in_batches(conversion.file("tflite"), batch)


def _stamp(content: bytes, contract: Contract, about: About) -> bytes:
    from edgetl.export.tflite_stamp import stamp

    return stamp(content, contract, about)


_SIMULATED = Bound(
    min_top1_agreement=0.985,
    max_mean_abs_dp=0.04,
    max_drop_points=1.0,
    reason="quantization simulated in float against integers: roundings of 50 layers add up; measured 0.022 in probability on an unsure "
    "model",
)
FORMAT = Format(
    name="tflite",
    suffix=".tflite",
    runtime="litert",
    precisions=("float32", "float16", "dynamic_int8", "int8", "int16x8"),
    convert=_convert,
    stamp=_stamp,
    in_batches=_in_batches,
    agrees={"float16": {"tflite_float32": HALVES}, "int8": {"keras_int8": _SIMULATED}},
)
