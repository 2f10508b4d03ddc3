"""With batch norms put back a network computes what it did, and so it does with these folded again."""

from typing import Any

from edgetl.keras import keras, layers

import numpy as np
import pytest

from edgetl.training.fold import fold_batch_norms
from edgetl.training.unfold import unfold_batch_norms

IMAGES = np.random.default_rng(0).normal(size=(24, 12, 12, 3)).astype(np.float32)
BATCHES = [IMAGES[:10], IMAGES[10:20], IMAGES[20:]]  # of different sizes


@pytest.fixture(scope="module")
def network() -> Any:
    """A folded network with layers called as a head's are, a channel that is dead, and one that gives what its bias is."""
    image = keras.Input((12, 12, 3))
    x = layers.ReLU(6.0, name="dense_1")(layers.Conv2D(6, 3, strides=2, padding="same", name="logits")(image))
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise")(x)
    x = layers.Add()([x, y])
    gate = layers.Conv2D(6, 1, activation="sigmoid", name="gate")(layers.GlobalAveragePooling2D(keepdims=True, name="pool")(x))
    x = layers.Conv2D(4, 1, name="last")(layers.Multiply()([x, gate]))
    model = keras.Model(image, layers.GlobalAveragePooling2D()(x))
    random = np.random.default_rng(3)
    model.set_weights([random.normal(0, 0.3, value.shape) for value in model.get_weights()])
    kernel, bias = model.get_layer("logits").get_weights()
    kernel[..., 0], kernel[..., 1] = 0, 1e-9
    model.get_layer("logits").set_weights([kernel, bias])
    return model


def test_it_computes_the_same_and_so_it_does_folded_again(network: Any) -> None:
    expected = network(IMAGES).numpy()
    unfolded = unfold_batch_norms(network, BATCHES)
    np.testing.assert_allclose(unfolded(IMAGES, training=False).numpy(), expected, atol=1e-5)
    np.testing.assert_allclose(fold_batch_norms(unfolded)(IMAGES).numpy(), expected, atol=1e-5)
    # With the statistics of the very images it does so in training, too: they are those that the norms were given.
    np.testing.assert_allclose(unfolded(IMAGES, training=True).numpy(), expected, atol=0.02)


def test_norms_stand_behind_convolutions_of_maps_and_no_layer_is_called_as_a_heads(network: Any) -> None:
    names = [layer.name for layer in unfold_batch_norms(network, BATCHES).layers]
    assert {"file_logits_bn", "depthwise_bn", "last_bn"} <= set(names)
    assert "gate_bn" not in names
    assert not {"logits", "dense_1", "pool"} & set(names)


def test_a_network_without_convolutions_stays_as_it_is() -> None:
    image = keras.Input((12, 12, 3))
    model = keras.Model(image, layers.Dense(3)(layers.GlobalAveragePooling2D()(image)))
    np.testing.assert_allclose(unfold_batch_norms(model, BATCHES)(IMAGES), model(IMAGES))
