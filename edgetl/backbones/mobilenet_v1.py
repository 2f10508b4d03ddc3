"""MobileNet V1 (Howard et al. 2017, arXiv:1704.04861), as keras.applications builds it, with Keras' ImageNet weights."""

from edgetl.keras import keras

from edgetl.backbones.base import Backbone, ImagenetFile, keras_file, nearest_sizes

_ADDRESS = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet/"
_ALPHA_IN_NAME = {0.25: "2_5", 0.5: "5_0", 0.75: "7_5", 1.0: "1_0"}


def _build(alpha: float, image_size: int) -> keras.Model:
    return keras.applications.MobileNet((image_size, image_size, 3), alpha=alpha, include_top=False, weights=None)


def _imagenet_files(alpha: float, image_size: int) -> list[ImagenetFile]:
    sizes = nearest_sizes(image_size, (128, 160, 192, 224))
    return [keras_file(f"mobilenet_{_ALPHA_IN_NAME[alpha]}_{size}_tf_no_top.h5", _ADDRESS) for size in sizes]


BACKBONE = Backbone(
    build=_build,
    alphas=tuple(_ALPHA_IN_NAME),
    scale=1 / 127.5,
    zero_point=128,
    imagenet_files=_imagenet_files,
    source="arXiv:1704.04861; weights: Google, Apache-2.0",
)
