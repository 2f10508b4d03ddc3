"""Gradient ascent: images of which a model is sure, also where it rejects what a search begins with."""

from edgetl.keras import class_probabilities, keras, layers, tf

import numpy as np
import pytest

from edgetl.contract import Contract
from edgetl.output import Rejection
from edgetl.ship.ascent import ascended

NAMES = ("first", "second", "third")
CONTRACT = Contract.square(16, 1 / 255, 0, NAMES)
REJECTING = CONTRACT.rejecting(Rejection(threshold=0.5, keep=0.95, inside_the_model=True))


def classifier(*, rejects: bool) -> keras.Model:
    """A linear classifier of the colours of four parts, with a logit of unknown images that grows with the distance from grey."""
    pixels = layers.Input((16, 16, 3))
    parts = layers.Flatten()(layers.AveragePooling2D(8)(pixels))
    dense = layers.Dense(3)
    logits = dense(parts)
    dense.set_weights([np.tile(8 * np.eye(3), (4, 1)), np.zeros(3)])
    if rejects:
        away, distance = layers.Dense(12), layers.Dense(1)
        found = away(parts)
        logits = layers.Concatenate()([logits, distance(layers.Multiply()([found, found]))])
        away.set_weights([np.eye(12), np.full(12, -0.5)])
        distance.set_weights([np.full((12, 1), 10.0), np.zeros(1)])
    return keras.Model(pixels, logits)


def probabilities(model: keras.Model, contract: Contract, images: np.ndarray) -> np.ndarray:
    logits = model(contract.normalize(tf.cast(images, tf.float32)), training=False)
    return class_probabilities(logits, contract.output).numpy()


@pytest.mark.parametrize("contract", [CONTRACT, REJECTING, CONTRACT.for_task("multi-label")], ids=["plain", "rejecting", "several"])
def test_the_model_becomes_sure_of_each_class(contract: Contract) -> None:
    model = classifier(rejects=contract is REJECTING)
    starts = np.zeros((3, 16, 16, 3), np.uint8)
    found = ascended(model, contract, starts, [0, 1, 2])
    assert (found.shape, found.dtype) == (starts.shape, np.uint8)
    np.testing.assert_array_equal(found, ascended(model, contract, starts, [0, 1, 2]), "the same model gives the same images")
    before, after = (probabilities(model, contract, images)[[0, 1, 2], [0, 1, 2]] for images in (starts, found))
    assert (after > 0.85).all(), (before, after)
    if contract is REJECTING:
        assert (before < 0.1).all(), "they are rejected at first"


def test_a_model_without_a_gradient_leaves_images_as_they_are() -> None:
    pixels = layers.Input((16, 16, 3))
    constant = keras.Model(pixels, layers.Dense(3, kernel_initializer="zeros")(layers.GlobalAveragePooling2D()(pixels)))
    starts = np.random.default_rng(0).integers(20, 236, (3, 16, 16, 3), dtype=np.uint8)
    np.testing.assert_array_equal(ascended(constant, CONTRACT, starts, [0, 1, 2]), starts)
