"""The logit of unknown images: layers compute what NumPy does, and the classes' logits stay as they are."""

from typing import Any

from edgetl.keras import class_probabilities, keras, layers

import numpy as np
import pytest

from edgetl.contract import Contract
from edgetl.training.unknown import Place, Strangeness, means_at, place_of, with_unknown

RANDOM = np.random.default_rng(0)
CLASSES, FEATURES = 3, 24
OUTPUT = Contract.square(8, 1 / 127.5, 127, ("a", "b", "c")).output


def _network() -> Any:
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(6, 3, name="narrow")(image)
    x = layers.ReLU(name="wide_relu")(layers.Conv2D(FEATURES, 1, name="wide")(x))
    x = layers.Conv2D(5, 1, name="narrow_too")(x)
    x = layers.Conv2D(FEATURES, 1, activation="relu", name="last")(x)
    return keras.Model(image, layers.Dense(CLASSES, name="logits")(layers.GlobalAveragePooling2D(name="pool")(x)))


@pytest.mark.parametrize("place", [Place("narrow_too", 5), Place("narrow", 4)], ids=["whole", "cut"])
def test_layers_compute_the_logit(place: Place) -> None:
    network, images = _network(), RANDOM.normal(size=(80, 8, 8, 3)).astype(np.float32)
    means, before = keras.Model(network.input, [means_at(network, place), network.output]).predict(images, verbose=0)
    means = means[:, 0, 0]
    assert means.shape == (80, place.channels)
    strangeness = Strangeness.of(means[:60], means[60:] + 1)
    found = with_unknown(network, place, strangeness, 0.5, -3.0).predict(images, verbose=0)
    np.testing.assert_allclose(found[:, :CLASSES], before, rtol=1e-5, atol=1e-5, err_msg="the classes' logits stay as they are")
    near = (np.abs(means @ strangeness.whitening + strangeness.offset) < 6).all(1)  # beyond, integers clip
    np.testing.assert_allclose(found[near, CLASSES], 0.5 * strangeness.measure(means)[near] - 3, rtol=1e-3, atol=1e-3)


def test_it_looks_at_the_last_narrow_map_before_the_last() -> None:
    """But at none that an activation reads, whose integers would need a grid of their own, and not at the last, which forgets most."""
    network = _network()
    with_room = keras.Model(network.input, layers.Dense(300)(network.output))  # 4 % of the weights hold the directions of 8 channels
    assert place_of(with_room, 1000) == Place("narrow_too", 5)
    assert place_of(with_room, 12) == Place("narrow_too", 3), "12 images say nothing of 5 channels"
    flat = keras.Input((8,))
    assert place_of(keras.Model(flat, layers.Dense(3)(flat)), 1000) is None


def test_without_unknown_images_it_is_the_distance() -> None:
    """Mahalanobis': a step counts for more where known images do not vary."""
    known = (RANDOM.normal(size=(300, 1)) * 3 + RANDOM.normal(size=(300, 4)) * 0.8).astype(np.float32)
    strangeness, mean = Strangeness.of(known, known[:0]), known.mean(0)
    along, across = np.array([1, 1, 1, 1], np.float32), np.array([1, -1, 1, -1], np.float32)
    near, far_along, far = strangeness.measure(np.stack([mean, mean + along, mean + across]))
    assert near < far_along < far / 10
    assert strangeness.measure(known).mean() == pytest.approx(3, rel=0.25), "one for each channel, less for the shrinkage"


def test_it_learns_what_makes_images_unknown() -> None:
    """Unknown images that differ in one direction alone, to one side: others that do so are stranger than any that differ elsewhere."""
    known = RANDOM.normal(size=(400, 6)).astype(np.float32)
    unknown = RANDOM.normal(size=(200, 6)).astype(np.float32)
    unknown[:, 0] += 3
    strangeness = Strangeness.of(known, unknown)
    there, elsewhere, back = strangeness.measure(np.eye(6, dtype=np.float32)[[0, 1, 0]] * np.array([[3], [3], [-3]], np.float32))
    assert there > max(elsewhere, back) + 1


def test_a_channel_that_never_varied_does_not_outweigh_all_others() -> None:
    """Its spread counts as a step of the integers that a map becomes, in which it could not be told from noise."""
    known = RANDOM.normal(size=(300, 3)).astype(np.float32)
    known[:, 0] = 0
    step = np.ptp(known) / 255
    measured = Strangeness.of(known, known[:0]).measure(np.array([[step, 0, 0]], np.float32))
    assert measured[0] < 60, "a step is no reason to be unknown: at most 1 / 0.02"


def test_dead_channels_teach_nothing() -> None:
    """MobileNetV1 0.25 on 135 images had two of them, and what was infinite ended the training."""
    known, unknown = (RANDOM.normal(size=(80, 4)).astype(np.float32) for _ in range(2))
    known[:, :2], unknown[:, 0] = 0, 0
    strangeness = Strangeness.of(known, unknown + np.array([0, 0, 3, 0], np.float32))
    figures = strangeness.measure(np.array([[0, 0, 0, 0], [0, 0, 3, 0], [0, 1, 0, 0]], np.float32))
    assert np.isfinite(figures).all()
    assert figures[1] > figures[0]
    assert figures[2] > figures[0], "a channel that never was alive is strange"


def test_a_rejected_image_keeps_the_order_of_its_classes() -> None:
    logits = np.array([[2.0, 1.0, 0.0, 30.0], [2.0, 1.0, 0.0, -30.0]], np.float32)
    rejected, known = class_probabilities(logits, OUTPUT).numpy()
    assert rejected.argmax() == 0
    assert 6 / 256 < rejected.max() < 1 / 16, "seen in steps of 1/256, and far from sure"
    np.testing.assert_allclose(known, np.exp([2, 1, 0]) / np.exp([2, 1, 0]).sum(), rtol=1e-5)
