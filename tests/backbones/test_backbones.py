"""The contract that every registered backbone keeps: its shape, its pixel grid, and a fold that changes nothing but the batch norms."""

from edgetl.keras import keras, layers

import numpy as np
import pytest

from edgetl.backbones import BACKBONES
from edgetl.contract import Contract
from edgetl.errors import UsageError
from edgetl.training.fold import fold_batch_norms
from tests.backbones.conftest import Build, every_backbone, normalized, of, randomize_norms, smallest

# Relative to the largest feature: float32 rounding through 50 layers is below 1e-5, a wrong epsilon or channel order far above this.
TOLERANCE = 1e-3


@every_backbone
def test_features_are_a_map_with_channels(name: str, build: Build) -> None:
    image_size = smallest(name)
    model = build(name, image_size)
    features = model(normalized(image_size)).numpy()
    side, of_twice = {"small_cnn": (4, 8), "inception_v3": (1, 3)}.get(name, (1, 2))  # all other families halve five times
    assert features.shape == (2, side, side, features.shape[-1])
    assert features[0].size >= 256, "the head learns from these"
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    twice = model.compute_output_shape((2, 2 * image_size, 2 * image_size, 3))
    assert tuple(twice) == (2, of_twice, of_twice, features.shape[-1])


PUBLISHED = {"efficientnet_lite0": 4.7, "efficientnet_lite1": 5.4, "efficientnet_lite2": 6.1, "efficientnet_lite3": 8.2}


@pytest.mark.parametrize(("name", "millions"), [*(of(*case) for case in PUBLISHED.items()), ("efficientnet_lite4", 13.0)])
def test_the_lites_have_as_many_parameters_as_published(name: str, millions: float, build: Build) -> None:
    """With their classifiers, as github.com/tensorflow/tpu counts; Lite4 has the largest factors of width and depth."""
    trained = sum(weight.shape.num_elements() for weight in build(name, 32).trainable_weights)
    assert (trained + 1280 * 1000 + 1000) / 1e6 == pytest.approx(millions, abs=0.05)


@pytest.mark.parametrize(("name", "millions"), [of("mobilenet_v4_conv_small", 3.774), of("mobilenet_v4_conv_medium", 9.715)])
def test_mobilenet_v4_has_as_many_parameters_as_in_timm(name: str, millions: float, build: Build) -> None:
    """With the layer of 1280 between pool and classifier, which is a head's: `model.dense`."""
    trained = sum(weight.shape.num_elements() for weight in build(name, smallest(name)).trainable_weights)
    assert (trained + 960 * 1280 + 2 * 1280 + 1280 * 1000 + 1000) / 1e6 == pytest.approx(millions, abs=0.001)


@pytest.mark.parametrize("name", BACKBONES)
def test_the_pixel_grid_makes_a_contract(name: str) -> None:
    """Zero-padding is only right if 0.0 is a pixel value, and the networks were trained on about -1..1."""
    backbone = BACKBONES.load(name)
    contract = Contract.square(32, backbone.scale, backbone.zero_point, ("a", "b"))
    assert contract.normalize(np.float32(backbone.zero_point)) == 0
    assert -1.01 <= contract.low <= -0.98
    assert 0.98 <= contract.high <= 1.01
    assert backbone.source
    assert BACKBONES.summary(name)


@pytest.mark.parametrize("name", BACKBONES)
def test_every_alpha_has_weights_by_a_name_of_its_own(name: str) -> None:
    backbone = BACKBONES.load(name)
    best = [file.name for alpha in backbone.alphas for file in backbone.imagenet_files(alpha, 160)[:1]]
    assert len(set(best)) == len(best), "one file for two widths would fit only one of them"
    assert best or "pretrain" in backbone.source


def test_an_alpha_that_does_not_exist_is_refused() -> None:
    backbone = BACKBONES.load("mobilenet_v2")
    assert backbone.check_alpha(0.35) == 0.35
    with pytest.raises(UsageError, match=r"no alpha 0\.3\n.*0\.35, 0\.5"):
        backbone.check_alpha(0.3)


def test_too_small_a_image_is_refused() -> None:
    backbone = BACKBONES.load("inception_v3")
    assert backbone.check_image_size(75) == 75
    with pytest.raises(UsageError, match=r"cannot take images of 74 px\n--image-size 75"):
        backbone.check_image_size(74)


@every_backbone
def test_folding_removes_batch_norms_and_nothing_else(name: str, build: Build) -> None:
    size = smallest(name)
    model = build(name, size)
    weights = model.get_weights()
    randomize_norms(model, normalized(size, 16))
    images = normalized(size, 4)
    folded, expected = fold_batch_norms(model), model(images, training=False).numpy()
    kinds = [type(layer) for layer in folded.layers]
    assert layers.BatchNormalization not in kinds
    assert sum(kind in (layers.Conv2D, layers.DepthwiseConv2D) for kind in kinds) == sum(
        isinstance(layer, (layers.Conv2D, layers.DepthwiseConv2D)) for layer in model.layers
    )
    assert np.abs(folded(images, training=False).numpy() - expected).max() <= TOLERANCE * np.abs(expected).max()
    assert expected.std(axis=0).max() > 0.05 * np.abs(expected).max(), "features that never change would hide a wrong fold"
    model.set_weights(weights)


def test_folding_keeps_what_it_cannot_fold_and_drops_dropout() -> None:
    """A norm whose convolution is also read elsewhere, and one behind an addition: folding either would change another path."""
    image = keras.Input((8, 8, 3))
    shared = layers.Conv2D(4, 3, padding="same", name="shared")(image)
    added = layers.Add()([shared, layers.BatchNormalization(name="of_shared")(shared)])
    x = layers.Dropout(0.5)(layers.BatchNormalization(name="of_add")(added))
    x = layers.BatchNormalization(name="plain", scale=False, center=False)(layers.Conv2D(5, 1, name="last")(x))
    model = keras.Model(image, x)
    for norm in ("of_shared", "of_add", "plain"):
        layer = model.get_layer(norm)
        layer.set_weights([np.random.default_rng(1).uniform(0.5, 2, w.shape) for w in layer.get_weights()])
    folded, images = fold_batch_norms(model), normalized(8)
    assert [layer.name for layer in folded.layers if isinstance(layer, layers.BatchNormalization)] == ["of_shared", "of_add"]
    assert not any(isinstance(layer, layers.Dropout) for layer in folded.layers)
    np.testing.assert_allclose(folded(images).numpy(), model(images, training=False).numpy(), rtol=1e-4, atol=1e-5)


def test_folding_leaves_the_original_alone(build: Build) -> None:
    model = build("mobilenet_v1", 32)
    before = model.get_weights()
    folded = fold_batch_norms(model)
    folded.set_weights([weight + 1 for weight in folded.get_weights()])
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
