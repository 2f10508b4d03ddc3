"""Backbones of colours that were made backbones of gray images compute the same of them."""

import numpy as np
import pytest

from edgetl.backbones import BACKBONES
from edgetl.backbones.gray import in_channels


@pytest.mark.parametrize("name", ["mobilenet_v1", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v4_conv_small", "small_cnn"])
def test_a_gray_image_is_one_of_three_equal_channels(name: str) -> None:
    backbone = BACKBONES.load(name)
    model = backbone.build(backbone.alphas[0], 32)
    gray = in_channels(model, "gray")
    assert gray.input_shape == (None, 32, 32, 1)
    assert [layer.name for layer in gray.layers[1:]] == [layer.name for layer in model.layers[1:]]
    images = np.random.default_rng(0).normal(size=(2, 32, 32, 1)).astype(np.float32)
    expected = model(np.repeat(images, 3, axis=3), training=False)
    np.testing.assert_allclose(gray(images, training=False), expected, rtol=1e-4, atol=1e-5)


def test_colours_stay_as_they_are() -> None:
    model = BACKBONES.load("small_cnn").build(0.5, 32)
    assert in_channels(model, "RGB") is model
