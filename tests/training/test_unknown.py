"""The logit of unknown images: layers compute the distance that NumPy does, and the classes' logits stay as they are."""

from typing import Any

from edgetl.keras import class_probabilities, keras, layers

import numpy as np
import pytest

from edgetl.contract import Contract
from edgetl.training.unknown import Familiar, known_alone, logits_layer, own_logit, with_unknown

RANDOM = np.random.default_rng(0)
CLASSES, FEATURES = 3, 40
OUTPUT = Contract.square(8, 1 / 127.5, 127, ("a", "b", "c")).output


@pytest.fixture
def features() -> tuple[np.ndarray, np.ndarray]:
    """Return features of three classes that vary together in a few directions, and labels."""
    label_ids = np.repeat(np.arange(CLASSES), 100)
    shared = RANDOM.normal(size=(300, 4)) @ RANDOM.normal(size=(4, FEATURES))
    return (RANDOM.normal(size=(CLASSES, FEATURES))[label_ids] + shared + RANDOM.normal(size=(300, FEATURES))).astype(np.float32), label_ids


def _network(units: int) -> Any:
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(FEATURES, 3, activation="relu", name="conv")(image)
    return keras.Model(image, layers.Dense(units, name="logits")(layers.GlobalAveragePooling2D(name="pool")(x)))


@pytest.mark.parametrize("units", [CLASSES, CLASSES + 1])
def test_layers_compute_the_logit_of_the_distance(units: int) -> None:
    """With K logits of its own, and with one more that it has learned."""
    network, images = _network(units), RANDOM.normal(size=(20, 8, 8, 3)).astype(np.float32)
    parts = keras.Model(network.input, [network.get_layer("pool").output, network.output])
    features, before = parts.predict(images, verbose=0)
    familiar = Familiar.of(features, np.arange(20) % CLASSES)
    found = with_unknown(network, CLASSES, familiar, 0.5, -3.0).predict(images, verbose=0)
    learned = before[:, CLASSES] if units > CLASSES else 0.0
    np.testing.assert_allclose(found[:, :CLASSES], before[:, :CLASSES], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found[:, CLASSES], learned + 0.5 * familiar.distance(features) - 3, rtol=1e-3, atol=1e-3)
    alone = known_alone(network, CLASSES)
    assert alone.output_shape == (None, CLASSES)
    assert (alone is network) == (units == CLASSES)


def test_what_is_far_in_a_direction_that_known_features_rarely_take_is_farthest(features: tuple[np.ndarray, np.ndarray]) -> None:
    """Mahalanobis' distance, not Euclid's: the same step counts for more where known images do not vary."""
    known, label_ids = features
    familiar = Familiar.of(known, label_ids)
    main = familiar.directions[:, 0] * familiar.spread
    across = RANDOM.normal(size=FEATURES).astype(np.float32)
    across -= (across @ main) / (main @ main) * main
    across *= np.linalg.norm(main) / np.linalg.norm(across)
    near, along, far = familiar.distance(np.stack([familiar.mean, familiar.mean + 5 * main, familiar.mean + 5 * across]))
    assert near < along < far


def test_a_feature_that_never_varied_does_not_outweigh_all_others(features: tuple[np.ndarray, np.ndarray]) -> None:
    """Its spread counts as a step of the integers that features become, in which it could not be told from noise."""
    known, label_ids = features
    known = np.abs(known)
    known[:, 0] = 0
    assert Familiar.of(known, label_ids).spread[0] == pytest.approx(known.max() / 255, rel=1e-5)


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
