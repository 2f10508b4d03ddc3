"""Backbones, built once a session: a build costs half a second, and several tests look at each."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from edgetl.backbones import BACKBONES

Build = Callable[[str, int], Any]
# Seconds each, and nothing new: the first of the family, which all tests take, has the same layers.
LARGER = (*(f"efficientnet_lite{number}" for number in range(1, 5)), "mobilenet_v4_conv_medium")


def of(name: str, *more: Any) -> Any:
    """A case of a test of every backbone; with the larger members of a family it is a slow one."""
    return pytest.param(name, *more, marks=[pytest.mark.slow] if name in LARGER else [])


every_backbone = pytest.mark.parametrize("name", [of(name) for name in BACKBONES])


@pytest.fixture(scope="session")
def build() -> Build:
    """(name, image size) to the family's smallest member with random weights; it is shared, so leave its weights as they are."""

    @cache
    def _build(name: str, image_size: int) -> Any:
        from edgetl.keras import set_seed

        set_seed(3)  # some random weights let the features of all images be much the same
        backbone = BACKBONES.load(name)
        return backbone.build(min(backbone.alphas), image_size)

    return _build


@pytest.fixture(scope="session")
def folded(build: Build) -> Build:
    """(name, image size) to what `build` gives, with its batch norms folded; shared, too."""
    from edgetl.training.fold import fold_batch_norms

    return cache(lambda name, image_size: fold_batch_norms(build(name, image_size)))


def smallest(name: str) -> int:
    """The smallest image that a backbone takes, in pixels."""
    return BACKBONES.load(name).smallest_image


def normalized(image_size: int, count: int = 2) -> np.ndarray:
    """float32 [count, H, W, 3] in the range of normalized pixels."""
    return np.random.default_rng(5).uniform(-1, 1, (count, image_size, image_size, 3)).astype(np.float32)


def randomize_norms(model: Any, images: np.ndarray) -> None:
    """Statistics, scales and biases such as training leaves them.

    Fresh norms are nearly the identity, and would hide a wrong fold; ones drawn blindly let the signal die within a few layers.
    """
    from edgetl.keras import layers

    random = np.random.default_rng(6)
    for layer in model.layers:
        if getattr(layer, "use_bias", False):
            layer.bias.assign(random.normal(0, 0.1, layer.bias.shape))
    norms = [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    for norm in norms:
        ends = [(0.5, 1.5)] * norm.scale + [(-0.5, 0.5), (0, 0), (1, 1)]
        norm.set_weights([random.uniform(*pair, norm.beta.shape) for pair in ends])
        norm.momentum = 0.0  # one pass puts the statistics of these images in place
    model(images, training=True)
    for norm in norms:
        *learned, mean, variance = norm.get_weights()
        norm.set_weights([*learned, mean + random.normal(0, 0.1, mean.shape) * np.sqrt(variance), variance + 1e-3])
