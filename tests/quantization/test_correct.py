"""Bias correction takes back the shift of the mean that rounding a kernel causes."""

from collections.abc import Callable

from edgetl.keras import keras, layers

import numpy as np

from edgetl.contract import Contract
from edgetl.quantization.correct import corrected, input_means
from tests.quantization.conftest import Case
from tests.training.conftest import CONTRACT as SMALL

CONTRACT = Contract.square(8, 1 / 127.5, 128, ("a", "b"))


def _model() -> keras.Model:
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(6, 3, name="conv")(image)  # no padding: its rim is not corrected for
    x = layers.DepthwiseConv2D(3, name="depthwise")(x)
    return keras.Model(image, layers.Dense(4, name="dense")(layers.GlobalAveragePooling2D(name="pool")(x)))


def test_the_mean_of_each_channel_is_what_it_was() -> None:
    model, random = _model(), np.random.default_rng(0)
    pixels = random.integers(100, 256, (40, 8, 8, 3)).astype(np.uint8)
    images = CONTRACT.normalize(pixels.astype(np.float32))
    weights = {layer.name: layer.get_weights() for layer in model.layers if layer.weights}
    # Far more coarsely than to int8, so that there is something to correct.
    rounded = {name: [np.round(kernel * 8) / 8, bias] for name, (kernel, bias) in weights.items()}
    means = input_means(model, CONTRACT, pixels, np.arange(40))
    better = corrected(model, weights, rounded, means)
    for name in weights:
        layer = model.get_layer(name)
        inputs = keras.Model(model.input, layer.input)(images)
        axes = tuple(range(len(layer.output.shape) - 1))
        wanted = layer(inputs).numpy().mean(axes)
        layer.set_weights([rounded[name][0], weights[name][1]])
        shifted = layer(inputs).numpy().mean(axes)
        layer.set_weights([rounded[name][0], better[name][1]])
        found = layer(inputs).numpy().mean(axes)
        layer.set_weights(weights[name])
        assert np.abs(shifted - wanted).max() > 1e-3, "rounding did shift it"
        assert np.abs(found - wanted).max() < 0.5 * np.abs(shifted - wanted).max(), name
        np.testing.assert_array_equal(better[name][0], weights[name][0])


def test_nothing_rounded_nothing_corrected(case: Callable[[str], Case]) -> None:
    model, images, rows = case("small")
    weights = {layer.name: layer.get_weights() for layer in model.layers if layer.weights}
    same = corrected(model, weights, weights, input_means(model, SMALL, images.pixels, rows))
    for name, arrays in weights.items():
        for a, b in zip(arrays, same[name], strict=True):
            np.testing.assert_array_equal(a, b)
