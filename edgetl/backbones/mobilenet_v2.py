"""MobileNet V2 (Sandler et al. 2018, arXiv:1801.04381), as keras.applications builds it, with Keras' ImageNet weights."""

from edgetl.keras import keras

from edgetl.backbones.base import Backbone, ImagenetFile, keras_file, nearest_sizes

_ADDRESS = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/"


def _build(alpha: float, image_size: int) -> keras.Model:
    return keras.applications.MobileNetV2((image_size, image_size, 3), alpha=alpha, include_top=False, weights=None)


def _imagenet_files(alpha: float, image_size: int) -> list[ImagenetFile]:
    sizes = nearest_sizes(image_size, (96, 128, 160, 192, 224))
    return [keras_file(f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{alpha}_{size}_no_top.h5", _ADDRESS) for size in sizes]


BACKBONE = Backbone(
    build=_build,
    alphas=(0.35, 0.5, 0.75, 1.0, 1.3, 1.4),
    scale=1 / 127.5,
    zero_point=128,
    imagenet_files=_imagenet_files,
    source="arXiv:1801.04381; weights: Google, Apache-2.0",
)
