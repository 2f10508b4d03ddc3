"""ResNet-50 (He et al. 2015, arXiv:1512.03385), as keras.applications builds it, with Keras' ImageNet weights."""

from pathlib import Path
from typing import Any

from edgetl.keras import keras

from edgetl.backbones import application
from edgetl.backbones.base import Backbone, keras_file
from edgetl.backbones.weights import caffe

_FILE = keras_file(
    "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "https://storage.googleapis.com/tensorflow/keras-applications/resnet/",
    md5="4d473c1dd8becc155b73f8504c6f6626",
)


def _build(alpha: float, image_size: int) -> Any:
    return application.build(keras.applications.ResNet50, image_size)


def _load_weights(model: keras.Model, path: Path) -> None:
    application.load(model, path, keras.applications.ResNet50)
    caffe.take_rgb(model)


BACKBONE = Backbone(
    build=_build,
    alphas=(1.0,),
    scale=caffe.SCALE,
    zero_point=caffe.ZERO_POINT,
    imagenet_files=lambda alpha, image_size: [_FILE],
    source="arXiv:1512.03385; weights: Microsoft by way of Keras, MIT",
    load_weights=_load_weights,
)
