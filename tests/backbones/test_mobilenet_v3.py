"""MobileNet V3 in layers of our own is Keras' network: its weights, its predictions."""

from pathlib import Path

from edgetl.keras import keras, layers

import numpy as np
import pytest

from edgetl.backbones import BACKBONES
from edgetl.backbones.hard_sigmoid import HardSigmoid, hard_swish
from edgetl.backbones.weights import load as weights
from tests.backbones.conftest import Build, normalized, randomize_norms

FAMILY = [name for name in BACKBONES if name.startswith("mobilenet_v3")]
SIZE = 49  # px, halved to 25, 13, 7, 4 and 2: both ways of padding before a strided convolution


@pytest.mark.parametrize("name", FAMILY)
def test_keras_weights_give_keras_features(name: str, tmp_path: Path) -> None:
    backbone, minimalistic = BACKBONES.load(name), name.endswith("minimalistic")
    alpha, images = min(backbone.alphas), normalized(SIZE, 4)
    family = keras.applications.MobileNetV3Small if "small" in name else keras.applications.MobileNetV3Large
    theirs = family((SIZE, SIZE, 3), alpha, minimalistic, include_top=False, weights=None, include_preprocessing=False)
    randomize_norms(theirs, images)
    theirs.save_weights(str(tmp_path / "theirs.h5"))
    ours = backbone.build(alpha, SIZE)
    weights.load(ours, backbone, str(tmp_path / "theirs.h5"), alpha, SIZE)
    expected = theirs(images, training=False).numpy()
    assert expected.std(axis=0).max() > 0.1 * np.abs(expected).max(), "features that never change would hide a difference"
    np.testing.assert_allclose(ours(images, training=False).numpy(), expected, atol=1e-5 * np.abs(expected).max())
    names = [[layer.name for layer in model.layers if layer.weights] for model in (theirs, ours)]
    assert [name.replace("/", "_") for name in names[0]] == names[1], (
        "the file is read by order, and a message about a layer should be found in Keras' documentation"
    )


@pytest.mark.parametrize("name", FAMILY)
def test_only_layers_that_quantization_knows(name: str, build: Build) -> None:
    kinds = {type(layer) for layer in build(name, 32).layers}
    plain = {layers.InputLayer, layers.Conv2D, layers.DepthwiseConv2D, layers.BatchNormalization, layers.ReLU, layers.Add}
    gated = {layers.GlobalAveragePooling2D, layers.Multiply, HardSigmoid}
    assert kinds == (plain if name.endswith("minimalistic") else plain | gated)


def test_hard_sigmoid_is_the_papers() -> None:
    values = np.array([-9, -3, -1.5, 0, 3, 9], np.float32)
    np.testing.assert_allclose(HardSigmoid()(values), [0, 0, 0.25, 0.5, 1, 1], atol=1e-7)
    np.testing.assert_array_equal(HardSigmoid(height=6.0)(values), [0, 0, 1.5, 3, 6, 6])
    np.testing.assert_allclose(hard_swish(values, "swish"), [0, 0, -0.375, 0, 3, 9], atol=1e-6)


def test_hard_sigmoid_survives_saving(tmp_path: Path) -> None:
    image = keras.Input((2, 2, 3))
    model = keras.Model(image, hard_swish(HardSigmoid(height=6.0, name="six")(image), "swish"))
    model.save(str(tmp_path / "model.keras"))
    loaded = keras.models.load_model(str(tmp_path / "model.keras"))
    assert [loaded.get_layer(name).height for name in ("six", "swish_gate")] == [6.0, 1.0]
    np.testing.assert_array_equal(loaded(normalized(2)), model(normalized(2)))
