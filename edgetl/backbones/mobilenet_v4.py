"""MobileNet V4's convolutional networks (Qin et al. 2024, arXiv:2404.10518): universal inverted bottlenecks with ReLU, no attention.

No package has their weights: `edgetl train --weights FILE` takes the network of a file that has some, such as timm's as ONNX.
"""

from functools import partial
from typing import Any, NamedTuple

from edgetl.keras import keras, layers

from edgetl.backbones.base import Backbone, rounded


class _Convolution(NamedTuple):
    """A row of the paper's tables: a plain convolution."""

    kernel: int
    stride: int
    filters: int


class _Fused(NamedTuple):
    """A row of the paper's tables: a convolution that widens and strides, then one of one place that narrows."""

    kernel: int
    stride: int
    expansion: int
    filters: int


class _Universal(NamedTuple):
    """A row of the paper's tables: depthwise kernels before and after the widening, 0 for none; the later one strides."""

    first: int
    middle: int
    stride: int
    expansion: int
    filters: int


_Row = _Convolution | _Fused | _Universal
_ROWS: dict[str, tuple[_Row, ...]] = {
    "small": (
        _Convolution(3, 2, 32),
        _Convolution(1, 1, 32),
        _Convolution(3, 2, 96),
        _Convolution(1, 1, 64),
        _Universal(5, 5, 2, 3, 96),
        *[_Universal(0, 3, 1, 2, 96)] * 4,
        _Universal(3, 0, 1, 4, 96),
        _Universal(3, 3, 2, 6, 128),
        _Universal(5, 5, 1, 4, 128),
        _Universal(0, 5, 1, 4, 128),
        _Universal(0, 5, 1, 3, 128),
        *[_Universal(0, 3, 1, 4, 128)] * 2,
        _Convolution(1, 1, 960),
    ),
    "medium": (
        _Fused(3, 2, 4, 48),
        _Universal(3, 5, 2, 4, 80),
        _Universal(3, 3, 1, 2, 80),
        _Universal(3, 5, 2, 6, 160),
        *[_Universal(3, 3, 1, 4, 160)] * 2,
        _Universal(3, 5, 1, 4, 160),
        _Universal(3, 3, 1, 4, 160),
        _Universal(3, 0, 1, 4, 160),
        _Universal(0, 0, 1, 2, 160),
        _Universal(3, 0, 1, 4, 160),
        _Universal(5, 5, 2, 6, 256),
        _Universal(5, 5, 1, 4, 256),
        *[_Universal(3, 5, 1, 4, 256)] * 2,
        _Universal(0, 0, 1, 4, 256),
        _Universal(3, 0, 1, 4, 256),
        _Universal(3, 5, 1, 2, 256),
        _Universal(5, 5, 1, 4, 256),
        *[_Universal(0, 0, 1, 4, 256)] * 2,
        _Universal(5, 0, 1, 2, 256),
        _Convolution(1, 1, 960),
    ),
}


def _normed(layer: Any, x: Any, *, relu: bool) -> Any:
    x = layers.BatchNormalization(epsilon=1e-3, momentum=0.99, name=f"{layer.name}_bn")(layer(x))
    return layers.ReLU(name=f"{layer.name}_relu")(x) if relu else x


def _convolution(x: Any, name: str, row: _Convolution, *, relu: bool = True) -> Any:
    return _normed(layers.Conv2D(row.filters, row.kernel, row.stride, "same", use_bias=False, name=name), x, relu=relu)


def _depthwise(x: Any, name: str, kernel: int, stride: int, *, relu: bool) -> Any:
    return _normed(layers.DepthwiseConv2D(kernel, stride, "same", use_bias=False, name=name), x, relu=relu) if kernel else x


def _block(x: Any, name: str, row: _Row) -> Any:
    entered, channels = x, x.shape[-1]
    if isinstance(row, _Convolution):
        return _convolution(x, f"{name}_conv", row)
    wide = rounded(channels * row.expansion)
    if isinstance(row, _Fused):
        x = _convolution(x, f"{name}_expand", _Convolution(row.kernel, row.stride, wide))
    else:
        x = _depthwise(x, f"{name}_first", row.first, 1 if row.middle else row.stride, relu=False)
        x = _convolution(x, f"{name}_expand", _Convolution(1, 1, wide))
        x = _depthwise(x, f"{name}_middle", row.middle, row.stride, relu=True)
    x = _convolution(x, f"{name}_project", _Convolution(1, 1, row.filters), relu=False)
    return layers.Add(name=f"{name}_add")([entered, x]) if row.stride == 1 and channels == row.filters else x


def _build(alpha: float, image_size: int, size: str) -> keras.Model:
    image = keras.Input((image_size, image_size, 3))
    x = _convolution(image, "stem", _Convolution(3, 2, 32))
    for number, row in enumerate(_ROWS[size], 1):
        x = _block(x, f"block_{number}", row)
    return keras.Model(image, x, name=f"mobilenet_v4_conv_{size}")


def _backbone(size: str) -> Backbone:
    return Backbone(
        build=partial(_build, size=size),
        alphas=(1.0,),
        scale=1 / 127.5,
        zero_point=128,
        imagenet_files=lambda alpha, image_size: [],
        source="arXiv:2404.10518; weights: in no package, see edgetl pretrain",
    )


SMALL = _backbone("small")
MEDIUM = _backbone("medium")
