"""VGG16 (Simonyan and Zisserman 2014, arXiv:1409.1556), with Keras' ImageNet weights: plain convolutions, large and slow."""

from pathlib import Path
from typing import Any

from edgetl.keras import keras, layers

from edgetl.backbones.base import Backbone, keras_file, load_h5
from edgetl.backbones.weights import caffe

_BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # width and convolutions of each
_FILE = keras_file(
    "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "https://storage.googleapis.com/tensorflow/keras-applications/vgg16/",
    md5="6d6bbae143d832006294945121d1f1fc",
)


def _build(alpha: float, image_size: int) -> Any:
    image = keras.Input((image_size, image_size, 3))
    x = image
    for block, (width, convolutions) in enumerate(_BLOCKS, 1):
        for number in range(1, convolutions + 1):
            name = f"block{block}_conv{number}"
            # He's start: without batch norms, Keras' own lets the signal fade by half at every layer of a random network.
            x = layers.Conv2D(width, 3, padding="same", kernel_initializer="he_normal", name=name)(x)
            x = layers.ReLU(name=f"{name}_relu")(x)
        x = layers.MaxPooling2D(name=f"block{block}_pool")(x)
    return keras.Model(image, x, name="vgg16")


def _load_weights(model: keras.Model, path: Path) -> None:
    load_h5(model, path)
    caffe.take_rgb(model)


BACKBONE = Backbone(
    build=_build,
    alphas=(1.0,),
    scale=caffe.SCALE,
    zero_point=caffe.ZERO_POINT,
    imagenet_files=lambda alpha, image_size: [_FILE],
    source="arXiv:1409.1556; weights: Oxford VGG by way of Keras, CC BY 4.0",
    load_weights=_load_weights,
)
