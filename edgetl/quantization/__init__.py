"""Float numbers to smaller ones. A scheme is one file with a `SCHEME` and one line here.

Scheme names are HOW_WHAT: how the numbers were found (`ptq` calibrated after training, `qat` trained with quantization in the loop,
`dynamic` anew for each image), then the width of weights and activations (`int16x8`: int16 activations, int8 weights). Which formats
carry a scheme is said by each format's `precisions`.
"""

from typing import TYPE_CHECKING

from edgetl.registry import Registry

if TYPE_CHECKING:
    from edgetl.quantization.base import Scheme

SCHEMES: "Registry[Scheme]" = Registry(
    "scheme",
    {
        "float32": ("edgetl.quantization.float32:SCHEME", "as trained"),
        "float16": ("edgetl.quantization.float16:SCHEME", "weights in half precision, computed in float: half the size"),
        "dynamic_int8": ("edgetl.quantization.dynamic_int8:SCHEME", "weights in int8, activations quantized anew for each image"),
        "ptq_int16x8": (
            "edgetl.quantization.ptq_int16x8:SCHEME",
            "an int8 model's weights, int16 activations calibrated; LiteRT's plain kernels",
        ),
        "ptq_int8": (
            "edgetl.quantization.ptq_int8:SCHEME",
            "calibrated after training: ranges from training images, nothing is trained",
        ),
        "qat_int8": (
            "edgetl.quantization.qat_int8:SCHEME",
            "calibrated, then trained with quantization in the loop (distilled from the float model)",
        ),
    },
)


def scheme_of(precision: str) -> "Scheme":
    """The scheme that makes files of this precision; the first one for int8, all of whose schemes are converted alike."""
    return next(scheme for scheme in map(SCHEMES.load, SCHEMES) if scheme.precision == precision)
