"""Float model to integer grids. A scheme is one file with a `quantize` and one line here.

Scheme names are HOW_WHAT: how the numbers were found (`ptq` calibrated after training, `qat` trained with quantization in the loop),
then the width of weights and activations.
"""

from typing import TYPE_CHECKING

from edgetl.registry import Registry

if TYPE_CHECKING:
    from edgetl.quantization.base import Scheme

SCHEMES: "Registry[Scheme]" = Registry(
    "scheme",
    {
        "ptq_int8": (
            "edgetl.quantization.ptq_int8:quantize",
            "calibrated after training: ranges from training pictures, no further training",
        ),
        "qat_int8": (
            "edgetl.quantization.qat_int8:quantize",
            "calibrated, then trained with quantization in the loop (distilled from the float model)",
        ),
    },
)
