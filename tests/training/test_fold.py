"""What is computed with the norms inside the convolutions is what the model computes, and the same variables learn it."""

from edgetl.keras import keras, layers, tf

import numpy as np
import pytest

from edgetl.training.fold import computed_folded


def network() -> keras.Model:
    """A network with all that a norm can stand behind, and norms that it cannot be folded into."""
    image = keras.Input((12, 12, 3))
    x = layers.Conv2D(6, 3, strides=2, padding="same", use_bias=False)(image)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=True)(x)
    y = layers.BatchNormalization(scale=False)(y)
    x = layers.Add()([x, y])
    x = layers.BatchNormalization()(x)  # behind no convolution
    read_twice = layers.Conv2D(4, 1)(x)
    x = layers.Concatenate()([read_twice, layers.BatchNormalization(center=False)(read_twice)])
    x = layers.Conv2D(4, 3, padding="valid", dilation_rate=2)(layers.ZeroPadding2D()(x))
    x = layers.BatchNormalization(center=False)(x)
    model = keras.Model(image, layers.GlobalAveragePooling2D()(x))
    random = np.random.default_rng(3)
    model.set_weights([random.uniform(0.5, 1.5, value.shape) for value in model.get_weights()])
    return model


def test_it_computes_what_the_model_does_and_learns_the_same() -> None:
    model = network()
    images, goal = tf.random.stateless_uniform((4, 12, 12, 3), (1, 2)), tf.random.stateless_normal((4, 4), (3, 4))

    def learned(compute: object) -> tuple[np.ndarray, list[np.ndarray]]:
        with tf.GradientTape() as tape:
            outputs = compute(images)  # type: ignore[operator]
            loss = tf.reduce_sum(outputs * goal)
        return outputs.numpy(), [gradient.numpy() for gradient in tape.gradient(loss, model.trainable_variables)]

    (expected, gradients), (found, own) = learned(lambda images: model(images, training=False)), learned(computed_folded(model))
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    for one, other in zip(own, gradients, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3 * np.abs(other).max())


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "float32"])
def test_it_computes_in_the_precision_of_the_layers(dtype: str) -> None:
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy(dtype)
    try:
        model = network()
    finally:
        keras.mixed_precision.set_global_policy(before)
    assert computed_folded(model)(tf.zeros((1, 12, 12, 3))).dtype == model.compute_dtype
