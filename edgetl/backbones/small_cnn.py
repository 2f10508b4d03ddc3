"""Three convolutions with pooling, 32, 64 and 64 channels wide at alpha 1: small enough to be pretrained at home, which it must be.

Batch norms between, since they train such a network from random weights in a fraction of the epochs, and are folded away afterwards.
"""

from typing import Any

from edgetl.keras import keras, layers

from edgetl.backbones.base import Backbone

_WIDTHS = (32, 64, 64)


def _build(alpha: float, image_size: int) -> Any:
    image = keras.Input((image_size, image_size, 3))
    x = image
    for number, width in enumerate(_WIDTHS, 1):
        x = layers.Conv2D(round(width * alpha), 3, padding="same", use_bias=False, name=f"conv_{number}")(x)
        x = layers.BatchNormalization(name=f"conv_{number}_norm")(x)
        x = layers.ReLU(name=f"conv_{number}_relu")(x)
        x = layers.MaxPooling2D(name=f"conv_{number}_pool")(x)
    return keras.Model(image, x, name="small_cnn")


BACKBONE = Backbone(
    build=_build,
    alphas=(0.5, 1.0, 2.0, 4.0),
    scale=1 / 127.5,
    zero_point=128,
    imagenet_files=lambda alpha, image_size: [],
    source="edgetl's own, without ImageNet weights: see edgetl pretrain",
)
