"""The logit of unknown images: layers compute the distance that NumPy does, and the classes' logits stay as they are."""

from typing import Any

from edgetl.keras import class_probabilities, keras, layers

import numpy as np
import pytest

from edgetl.contract import Contract
from edgetl.training.unknown import Familiar, Place, features_at, known_alone, logits_layer, own_logit, places, with_unknown

RANDOM = np.random.default_rng(0)
CLASSES, FEATURES = 3, 24
OUTPUT = Contract.square(8, 1 / 127.5, 127, ("a", "b", "c")).output


def _network(units: int) -> Any:
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(6, 3, name="narrow")(image)
    x = layers.ReLU(name="wide_relu")(layers.Conv2D(FEATURES, 1, name="wide")(x))
    x = layers.Conv2D(5, 1, name="narrow_too")(x)
    x = layers.Conv2D(FEATURES, 1, activation="relu", name="last")(x)
    return keras.Model(image, layers.Dense(units, name="logits")(layers.GlobalAveragePooling2D(name="pool")(x)))


@pytest.mark.parametrize("units", [CLASSES, CLASSES + 1])
@pytest.mark.parametrize("some", [[Place("narrow", 6)], [Place("narrow", 4), Place("narrow_too", 5)]], ids=["whole", "two, one cut"])
def test_layers_compute_the_logit_of_the_distance(units: int, some: list[Place]) -> None:
    """With K logits of its own, and with one more that it has learned."""
    network, images = _network(units), RANDOM.normal(size=(80, 8, 8, 3)).astype(np.float32)
    features, before = keras.Model(network.input, [layers.Concatenate()(features_at(network, some)), network.output]).predict(
        images, verbose=0
    )
    features = features[:, 0, 0]
    familiar = Familiar.of(features, some)
    found = with_unknown(network, CLASSES, familiar, 0.5, -3.0).predict(images, verbose=0)
    learned = before[:, CLASSES] if units > CLASSES else 0.0
    np.testing.assert_allclose(found[:, :CLASSES], before[:, :CLASSES], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found[:, CLASSES], learned + 0.5 * familiar.distance(features) - 3, rtol=1e-3, atol=1e-3)
    alone = known_alone(network, CLASSES)
    assert alone.output_shape == (None, CLASSES)
    assert (alone is network) == (units == CLASSES)


def test_it_looks_at_narrow_maps_before_the_last() -> None:
    """But at none that an activation reads, whose integers would need a grid of their own, and not at the last, which forgets most."""
    network = _network(CLASSES)
    with_room = keras.Model(network.input, layers.Dense(300)(network.output))  # 3 % of the weights hold the covariance of 7 channels
    assert places(with_room, 1000) == (Place("narrow", 6), Place("narrow_too", 5))
    assert places(with_room, 23) == (Place("narrow_too", 5),), "23 images say nothing of 6 channels"
    assert places(with_room, 12) == (Place("narrow_too", 3),), "nor of 5: then it looks at 3 of them"
    flat = keras.Input((8,))
    assert places(keras.Model(flat, layers.Dense(3)(flat)), 1000) == ()


def test_distance_counts_for_more_where_known_images_do_not_vary() -> None:
    """Mahalanobis' distance, not Euclid's."""
    known = (RANDOM.normal(size=(300, 1)) * 3 + RANDOM.normal(size=(300, 4)) * 0.8).astype(np.float32)
    familiar, mean = Familiar.of(known, [Place("any", 4)]), known.mean(0)
    along, across = np.array([1, 1, 1, 1], np.float32), np.array([1, -1, 1, -1], np.float32)
    near, far_along, far = familiar.distance(np.stack([mean, mean + along, mean + across]))
    assert near < far_along < far / 10
    assert familiar.distance(known).mean() == pytest.approx(4, rel=0.2), "one for each channel, but for the shrinkage"


def test_a_channel_that_never_varied_does_not_outweigh_all_others() -> None:
    """Its spread counts as a step of the integers that a map becomes, in which it could not be told from noise."""
    known = RANDOM.normal(size=(300, 3)).astype(np.float32)
    known[:, 0] = 0
    familiar = Familiar.of(known, [Place("any", 3)])
    step = np.ptp(known) / 255
    assert familiar.distance(np.array([[step, 0, 0]], np.float32))[0] < 60, "a step is no reason to be unknown: at most 1 / 0.02"


def test_a_network_that_does_not_end_in_a_dense_layer_has_no_logits_layer() -> None:
    image = keras.Input((8, 8, 3))
    assert logits_layer(keras.Model(image, layers.GlobalAveragePooling2D()(layers.Conv2D(3, 3)(image)))) is None


def test_a_rejected_image_keeps_the_order_of_its_classes() -> None:
    logits = np.array([[2.0, 1.0, 0.0, 30.0], [2.0, 1.0, 0.0, -30.0]], np.float32)
    rejected, known = class_probabilities(logits, OUTPUT).numpy()
    assert rejected.argmax() == 0
    assert 6 / 256 < rejected.max() < 1 / 16, "seen in steps of 1/256, and far from sure"
    np.testing.assert_allclose(known, np.exp([2, 1, 0]) / np.exp([2, 1, 0]).sum(), rtol=1e-5)
    np.testing.assert_allclose(own_logit(logits, CLASSES), np.log(np.exp([2, 1, 0]).sum()) + np.array([-30, 30]), rtol=1e-6)
