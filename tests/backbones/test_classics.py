"""VGG16, ResNet-50 and Inception V3 in layers that quantization knows are Keras' networks: its weights, its predictions."""

from pathlib import Path
from typing import Any

from edgetl.keras import keras, layers, set_seed

import numpy as np
import pytest

from edgetl.backbones import BACKBONES
from edgetl.backbones.weights import load as weights
from tests.backbones.conftest import Build, randomize_norms, smallest

THEIRS = {"vgg16": keras.applications.VGG16, "resnet50": keras.applications.ResNet50, "inception_v3": keras.applications.InceptionV3}
PREPROCESS = {
    "vgg16": keras.applications.vgg16.preprocess_input,
    "resnet50": keras.applications.resnet50.preprocess_input,
    "inception_v3": keras.applications.inception_v3.preprocess_input,
}


def pixels(size: int, count: int) -> np.ndarray:
    """float32 [count, size, size, 3] in 0..255, as Keras' pre-processing takes them."""
    coarse = np.random.default_rng(3).uniform(0, 255, (count, 5, 5, 3)).astype(np.float32)
    made: np.ndarray = keras.layers.Resizing(size, size)(coarse).numpy()
    return made


@pytest.mark.parametrize("name", THEIRS)
def test_keras_weights_give_keras_features(name: str, build: Build, tmp_path: Path) -> None:
    """But for the first convolution, which reads RGB instead of BGR in two of them: that one's weights are Keras' here."""
    set_seed(1)
    size, backbone = smallest(name), BACKBONES.load(name)
    theirs: Any = THEIRS[name](include_top=False, weights=None, input_shape=(size, size, 3))
    images = PREPROCESS[name](pixels(size, 4))
    randomize_norms(theirs, images)
    theirs.save_weights(str(tmp_path / "theirs.h5"))
    ours = build(name, size)
    kept = ours.get_weights()
    weights.load(ours, backbone, str(tmp_path / "theirs.h5"), 1.0, size)
    firsts = [next(layer for layer in model.layers if layer.weights) for model in (ours, theirs)]
    firsts[0].set_weights(firsts[1].get_weights())
    found = ours(images, training=False).numpy()
    ours.set_weights(kept)
    expected = theirs(images, training=False).numpy()
    assert expected.std(axis=0).max() > 0.02 * np.abs(expected).max(), "features that never change would hide a difference"
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["vgg16", "resnet50"])
def test_the_first_convolution_takes_rgb_on_our_grid(name: str, build: Build, tmp_path: Path) -> None:
    """Away from the rim it is Keras' to the last digit that float32 has."""
    size, backbone = smallest(name), BACKBONES.load(name)
    theirs: Any = THEIRS[name](include_top=False, weights=None, input_shape=(size, size, 3))
    theirs.save_weights(str(tmp_path / "theirs.h5"))
    ours = build(name, size)
    kept = ours.get_weights()
    weights.load(ours, backbone, str(tmp_path / "theirs.h5"), 1.0, size)
    plain, first = pixels(size, 2), next(layer.name for layer in theirs.layers if layer.weights)
    up_to = [keras.Model(model.input, model.get_layer(first).output) for model in (ours, theirs)]
    found = np.maximum(up_to[0]((plain - backbone.zero_point) * backbone.scale), 0)[:, 3:-3, 3:-3]
    ours.set_weights(kept)
    expected = np.maximum(up_to[1](PREPROCESS[name](plain.copy())), 0)[:, 3:-3, 3:-3]
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("name", THEIRS)
def test_only_layers_that_quantization_knows(name: str, build: Build) -> None:
    kinds = {type(layer) for layer in build(name, smallest(name)).layers}
    plain = {layers.InputLayer, layers.Conv2D, layers.BatchNormalization, layers.ReLU, layers.Add, layers.ZeroPadding2D}
    assert kinds <= plain | {layers.MaxPooling2D, layers.AveragePooling2D, layers.Concatenate}
