"""MobileNet V3 (Howard et al. 2019, arXiv:1905.02244): the networks of keras.applications, with Keras' ImageNet weights.

Keras builds them of bare operations (x + 3, times 1/6), of which quantization can take no hold. Here each step is a layer, and Keras'
padding before strided convolutions is 'same', which pads alike and costs no operator. What has weights comes in Keras' order, under Keras'
names with _ for /.
"""

from functools import partial
from typing import Any, NamedTuple

from edgetl.keras import keras, layers

from edgetl.backbones.base import Backbone, ImagenetFile, keras_file, rounded
from edgetl.backbones.hard_sigmoid import HardSigmoid, hard_swish

_ADDRESS = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v3/"


class _Block(NamedTuple):
    """A row of the paper's tables: depthwise kernel and stride, widening, filters, squeeze-and-excite, hard-swish instead of ReLU."""

    kernel: int
    stride: int
    expansion: float
    filters: int
    squeeze: bool
    swish: bool


_BLOCKS = {
    "small": (
        _Block(3, 2, 1, 16, True, False),
        _Block(3, 2, 72 / 16, 24, False, False),
        _Block(3, 1, 88 / 24, 24, False, False),
        _Block(5, 2, 4, 40, True, True),
        *[_Block(5, 1, 6, 40, True, True)] * 2,
        *[_Block(5, 1, 3, 48, True, True)] * 2,
        _Block(5, 2, 6, 96, True, True),
        *[_Block(5, 1, 6, 96, True, True)] * 2,
    ),
    "large": (
        _Block(3, 1, 1, 16, False, False),
        _Block(3, 2, 4, 24, False, False),
        _Block(3, 1, 3, 24, False, False),
        _Block(5, 2, 3, 40, True, False),
        *[_Block(5, 1, 3, 40, True, False)] * 2,
        _Block(3, 2, 6, 80, False, True),
        _Block(3, 1, 2.5, 80, False, True),
        *[_Block(3, 1, 2.3, 80, False, True)] * 2,
        *[_Block(3, 1, 6, 112, True, True)] * 2,
        _Block(5, 2, 6, 160, True, True),
        *[_Block(5, 1, 6, 160, True, True)] * 2,
    ),
}


def _norm(x: Any, name: str) -> Any:
    return layers.BatchNormalization(epsilon=1e-3, momentum=0.999, name=f"{name}_BatchNorm")(x)


def _activation(x: Any, name: str, *, swish: bool) -> Any:
    return hard_swish(x, f"{name}_hard_swish") if swish else layers.ReLU(name=f"{name}_relu")(x)


def _squeeze_excite(x: Any, name: str) -> Any:
    """Return each channel times a gate that a small network computes from the means of all channels."""
    channels = x.shape[-1]
    gate = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_AvgPool")(x)
    gate = layers.ReLU(name=f"{name}_Relu")(layers.Conv2D(rounded(channels / 4), 1, name=f"{name}_Conv")(gate))
    gate = HardSigmoid(name=f"{name}_gate")(layers.Conv2D(channels, 1, name=f"{name}_Conv_1")(gate))
    return layers.Multiply(name=f"{name}_Mul")([x, gate])


def _block(x: Any, name: str, block: _Block, filters: int) -> Any:
    entered, channels = x, x.shape[-1]
    if block.expansion != 1:
        x = layers.Conv2D(rounded(channels * block.expansion), 1, use_bias=False, name=f"{name}_expand")(x)
        x = _activation(_norm(x, f"{name}_expand"), f"{name}_expand", swish=block.swish)
    x = layers.DepthwiseConv2D(block.kernel, block.stride, "same", use_bias=False, name=f"{name}_depthwise")(x)
    x = _activation(_norm(x, f"{name}_depthwise"), f"{name}_depthwise", swish=block.swish)
    if block.squeeze:
        x = _squeeze_excite(x, f"{name}_squeeze_excite")
    x = _norm(layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_project")(x), f"{name}_project")
    return layers.Add(name=f"{name}_Add")([entered, x]) if block.stride == 1 and channels == filters else x


def _build(alpha: float, image_size: int, size: str, *, minimalistic: bool) -> keras.Model:
    image = keras.Input((image_size, image_size, 3))
    x = layers.Conv2D(16, 3, 2, "same", use_bias=False, name="Conv")(image)
    x = _activation(_norm(x, "Conv"), "Conv", swish=not minimalistic)
    for number, block in enumerate(_BLOCKS[size]):
        row = block._replace(kernel=3, squeeze=False, swish=False) if minimalistic else block
        x = _block(x, f"expanded_conv_{number}" if number else "expanded_conv", row, rounded(block.filters * alpha))
    x = layers.Conv2D(rounded(x.shape[-1] * 6), 1, use_bias=False, name="Conv_1")(x)
    return keras.Model(image, _activation(_norm(x, "Conv_1"), "Conv_1", swish=not minimalistic), name=f"mobilenet_v3_{size}")


def _imagenet_files(alpha: float, image_size: int, kind: str) -> list[ImagenetFile]:
    return [keras_file(f"weights_mobilenet_v3_{kind}_224_{alpha}_float_no_top_v2.h5", _ADDRESS)]


def _backbone(size: str, *, minimalistic: bool) -> Backbone:
    return Backbone(
        build=partial(_build, size=size, minimalistic=minimalistic),
        alphas=(1.0,) if minimalistic else (0.75, 1.0),
        scale=1 / 127.5,
        zero_point=128,
        imagenet_files=partial(_imagenet_files, kind=f"{size}_minimalistic" if minimalistic else size),
        source="arXiv:1905.02244; weights: Google, Apache-2.0",
    )


SMALL = _backbone("small", minimalistic=False)
LARGE = _backbone("large", minimalistic=False)
SMALL_MINIMALISTIC = _backbone("small", minimalistic=True)
LARGE_MINIMALISTIC = _backbone("large", minimalistic=True)
