"""Inception V3 (Szegedy et al. 2015, arXiv:1512.00567), as keras.applications builds it, with Keras' ImageNet weights."""

from pathlib import Path
from typing import Any

from edgetl.keras import keras

from edgetl.backbones import application
from edgetl.backbones.base import Backbone, keras_file

_FILE = keras_file(
    "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/",
    md5="bcbd6486424b2319ff4ef7d526e38f63",
)


def _build(alpha: float, image_size: int) -> Any:
    return application.build(keras.applications.InceptionV3, image_size)


def _load_weights(model: keras.Model, path: Path) -> None:
    application.load(model, path, keras.applications.InceptionV3)


BACKBONE = Backbone(
    build=_build,
    alphas=(1.0,),
    scale=1 / 127.5,
    zero_point=128,
    imagenet_files=lambda alpha, image_size: [_FILE],
    source="arXiv:1512.00567; weights: Google, Apache-2.0",
    load_weights=_load_weights,
    smallest_image=75,
)
