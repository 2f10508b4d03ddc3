"""Float numbers to smaller ones. A scheme is one file with a `SCHEME` and one line here.

Scheme names are HOW_WHAT: how the numbers were found (`ptq` calibrated after training, `qat` trained with quantization in the loop,
`dynamic` anew for each image, `own` those of the file that was imported), then the width of weights and activations (`int16x8`: int16
activations, int8 weights). Which formats carry a scheme is said by each format's `precisions`.
"""

from typing import TYPE_CHECKING

from edgetl.errors import UsageError
from edgetl.registry import Registry, did_you_mean

if TYPE_CHECKING:
    from edgetl.quantization.base import Scheme

SCHEMES: "Registry[Scheme]" = Registry(
    "scheme",
    {
        "float32": ("edgetl.quantization.float32:SCHEME", "as trained"),
        "float16": ("edgetl.quantization.float16:SCHEME", "weights in half precision, computed in float: half the size"),
        "dynamic_int8": ("edgetl.quantization.dynamic_int8:SCHEME", "weights in int8, activations quantized separately for each image"),
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
        "own_int8": ("edgetl.quantization.own_int8:SCHEME", "the integers of a quantized file that was imported, as they are"),
    },
)


def precisions() -> list[str]:
    """Return the name of every precision, in the order of the schemes."""
    return list(dict.fromkeys(SCHEMES.load(name).precision for name in SCHEMES))


def scheme_of(precision: str) -> "Scheme":
    """Return the first scheme of a precision: all of its schemes are converted alike. Raises UsageError when there is none."""
    for name in SCHEMES:
        scheme = SCHEMES.load(name)
        if scheme.precision == precision:
            return scheme
    raise UsageError(f"unknown precision '{precision}'", did_you_mean(precision, precisions()))


def integer_schemes(*, precision: str = "", trained: bool = True, own: bool = False) -> list[str]:
    """Return the names of the schemes that find integer grids before the conversion.

    Args:
        precision: only those of this one; empty: all.
        trained: also those that train.
        own: those of an imported file's integers instead of those that find some.
    """
    found = {name: SCHEMES.load(name) for name in SCHEMES}
    return [
        name
        for name, scheme in found.items()
        if scheme.quantize is not None and scheme.own == own and (trained or not scheme.trained) and precision in ("", scheme.precision)
    ]
