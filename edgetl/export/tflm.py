"""Files for TensorFlow Lite Micro: the int8 TFLite file as it is, checked, measured, and with its C++ sources."""

from edgetl.export.base import Conversion, Format
from edgetl.export.micro_sources import archive, stamp
from edgetl.micro.footprint import footprint
from edgetl.quantization.bounds import Bound


def _convert(conversion: Conversion) -> bytes:
    model = conversion.file("tflite")
    return archive(conversion, model, model, footprint(model))


FORMAT = Format(
    name="tflm",
    suffix=".tflm.zip",
    runtime="tflm",
    precisions=("int8",),
    convert=_convert,
    stamp=stamp,
    agrees={
        "int8": {
            "tflite_int8": Bound(
                min_top1_agreement=0.985,
                max_mean_abs_dp=0.04,
                max_drop_points=1.0,
                min_same_decisions=0.985,
                reason="the same integers by TensorFlow Lite Micro's reference kernels, which round twice where XNNPACK rounds once",
            )
        }
    },
)
