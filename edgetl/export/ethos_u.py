"""Files for microcontrollers with Arm's Ethos-U: the int8 TFLite file compiled for the NPU, with its C++ sources.

TensorFlow Lite Micro runs what the compiler makes of it, on such a chip alone: its arena is the compiler's estimate.
"""

from edgetl.export.base import Conversion, Format
from edgetl.export.micro_sources import archive, stamp
from edgetl.micro.ethos_u import check_outputs, compiled
from edgetl.micro.footprint import estimated


def _convert(conversion: Conversion) -> bytes:
    lite = conversion.file("tflite")
    made = compiled(lite, conversion.npu)
    check_outputs(made.content)
    return archive(conversion, lite, made.content, estimated(lite, made), made.estimate)


FORMAT = Format(
    name="ethos_u",
    suffix=".ethos_u.zip",
    runtime="ethos_u",
    precisions=("int8",),
    convert=_convert,
    stamp=stamp,
    for_npu=True,
)
