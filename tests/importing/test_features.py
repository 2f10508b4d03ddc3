"""A network from elsewhere is cut before its classifier, pooled as it was."""

from typing import Any

from edgetl.keras import keras, layers

import pytest

from edgetl.errors import ModelFileError
from edgetl.importing.features import without_classifier


def network(*ending: Any) -> Any:
    image = keras.Input((8, 8, 3))
    x = layers.ReLU(name="map")(layers.Conv2D(6, 3, name="conv")(image))
    for layer in ending:
        x = layer(x)
    return keras.Model(image, x)


@pytest.mark.parametrize(
    ("ending", "last", "shape"),
    [
        ((layers.GlobalAveragePooling2D(name="mean"), layers.Dense(5)), "mean", (None, 6)),
        ((layers.Flatten(name="flat"), layers.Dense(7, name="hidden"), layers.ReLU(name="relu"), layers.Dense(5)), "relu", (None, 7)),
        (
            (layers.GlobalAveragePooling2D(keepdims=True, name="mean"), layers.Conv2D(5, 1), layers.GlobalAveragePooling2D()),
            "mean",
            (None, 1, 1, 6),
        ),
        ((layers.GlobalAveragePooling2D(keepdims=True, name="mean"), layers.Conv2D(5, 1), layers.Flatten()), "mean", (None, 1, 1, 6)),
        ((layers.GlobalAveragePooling2D(name="mean"),), "mean", (None, 6)),
        ((), "map", (None, 6, 6, 6)),
    ],
)
def test_it_ends_in_what_the_classifier_read(ending: tuple[Any, ...], last: str, shape: tuple[int | None, ...]) -> None:
    cut = without_classifier(network(*ending))
    assert cut.layers[-1].name == last
    assert cut.output_shape == shape


def test_a_classifier_alone_is_refused() -> None:
    image = keras.Input((8, 8, 3))
    with pytest.raises(ModelFileError, match="nothing in the network"):
        without_classifier(keras.Model(image, layers.Dense(5)(layers.Flatten()(image))))
