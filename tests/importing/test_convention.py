"""A network is fed as its makers fed it, whatever its file does itself, and reads raw pixels afterwards with the same result."""

from edgetl.keras import keras, layers

import numpy as np
import pytest

from edgetl.errors import UsageError
from edgetl.importing.base import Preprocessing
from edgetl.importing.convention import NAMED, InputAffine, convention, own, usual
from edgetl.importing.first_layer import on_pixels, two_classes

PLAIN = Preprocessing((1.0,) * 3, (0.0,) * 3)
INSIDE = Preprocessing((0.5, 2.0, 3.0), (1.0, -2.0, 4.0))
PIXELS = np.random.default_rng(0).integers(0, 256, (2, 8, 10, 3)).astype(np.uint8)


def network(*first: object) -> keras.Model:
    image = keras.Input((8, 10, 3))
    x = image
    for layer in first:
        x = layer(x)  # type: ignore[operator]
    model = keras.Model(image, layers.Dense(2)(layers.GlobalAveragePooling2D()(layers.ReLU()(x))))
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(0, 0.1, array.shape) for array in model.get_weights()])
    return model


def test_names_are_what_their_users_mean() -> None:
    pixel = np.array([[[[255, 0, 51]]]], np.uint8)
    found = {name: InputAffine.of(convention(name, 3), PLAIN)(pixel).ravel() for name in NAMED}
    np.testing.assert_allclose(found["raw"], [255, 0, 51])
    np.testing.assert_allclose(found["zero-one"], [1, 0, 0.2])
    np.testing.assert_allclose(found["minus-one-one"], [1, -1, -0.6])
    np.testing.assert_allclose(found["imagenet"], [(1 - 0.485) / 0.229, -0.456 / 0.224, (0.2 - 0.406) / 0.225], rtol=1e-6)
    np.testing.assert_allclose(found["caffe"], [51 - 103.939, -116.779, 255 - 123.68], rtol=1e-6)
    np.testing.assert_allclose(InputAffine.of(convention("imagenet:bgr", 3), PLAIN)(pixel).ravel(), found["imagenet"][::-1])
    np.testing.assert_allclose(InputAffine.of(convention("10,20,30/2", 3), PLAIN)(pixel).ravel(), [122.5, -10, 10.5])
    assert len(usual(3)) == 2 * len(NAMED)
    assert [one.name for one in usual(1)] == ["raw", "zero-one", "minus-one-one"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [("imagnet", "imagenet"), ("raw:gbr", "rgb"), ("1,2/3", "channel"), ("1/0", "larger than 0"), ("a/b", "MEAN/STD"), ("", "MEAN/STD")],
)
def test_what_is_no_preprocessing_is_an_error(text: str, reason: str) -> None:
    with pytest.raises(UsageError) as error:
        convention(text, 3)
    assert reason in f"{error.value.problem} {error.value.remedy}"


def test_numbers_of_pixels_up_to_1_are_given_back_for_pixels() -> None:
    with pytest.raises(UsageError) as error:
        convention("0.485,0.456,0.406/0.229,0.224,0.225", 3)
    assert "123.675,116.28,103.53/58.395,57.12,57.375" in str(error.value.remedy)


@pytest.mark.parametrize("inside", [PLAIN, INSIDE], ids=["plain", "inside"])
@pytest.mark.parametrize("name", ["raw", "minus-one-one", "imagenet", "caffe"])
@pytest.mark.parametrize(
    "first",
    [
        lambda: [layers.Conv2D(4, 3, 2)],
        lambda: [layers.Conv2D(4, 3, padding="same", use_bias=False)],
        lambda: [layers.ZeroPadding2D(1), layers.Conv2D(4, 3)],
        lambda: [layers.DepthwiseConv2D(3)],
        lambda: [layers.AveragePooling2D(2)],
    ],
    ids=["valid", "same", "padded", "depthwise", "pool"],
)
def test_a_network_reads_raw_pixels_with_the_same_result(name: str, inside: Preprocessing, first: object) -> None:
    model = network(*first())  # type: ignore[operator]
    affine = InputAffine.of(convention(name, 3), inside)
    made, same = on_pixels(model, affine)
    expected = model(affine(PIXELS)).numpy()
    found = made(((PIXELS - np.float32(affine.zero_point)) * np.float32(affine.scale)).astype(np.float32)).numpy()
    largest = np.abs(expected).max()
    assert (
        np.abs(found - expected).max() < (2e-5 if same else 0.25) * largest
    )  # of images so small that a third of the places are at a border
    assert same or model.layers[1].__class__.__name__ != "AveragePooling2D"
    if name == "raw" and inside is PLAIN:
        assert same, "zero is the pixel 0 in all colours"


def test_one_logit_becomes_two_with_the_same_probabilities() -> None:
    image = keras.Input((4, 4, 3))
    model = keras.Model(image, layers.Dense(1, bias_initializer="ones")(layers.GlobalAveragePooling2D()(image)))
    inputs = np.random.default_rng(2).normal(size=(5, 4, 4, 3)).astype(np.float32)
    one, two = model(inputs).numpy(), two_classes(model)(inputs).numpy()
    np.testing.assert_allclose(np.exp(two[:, 1]) / np.exp(two).sum(1), 1 / (1 + np.exp(-one[:, 0])), rtol=1e-6)
    assert two_classes(network(layers.Conv2D(4, 3))).output_shape == (None, 2)


@pytest.mark.parametrize(
    ("scale", "offset", "name"),
    [
        (1 / 255, 0.0, "raw"),  # Rescaling alone
        (1 / 127.5, -1.0, "raw"),
        (1.0, -117.0, "raw"),  # a mean of pixels
        (4.4, -2.1, "zero-one"),  # a mean of pixels that were divided by 255 before
        (1.0, 0.0, None),
        (2.0, 0.0, None),
    ],
)
def test_a_file_that_makes_its_input_of_pixels_itself_shows_how_it_is_fed(scale: float, offset: float, name: str | None) -> None:
    found = own(Preprocessing((scale,) * 3, (offset,) * 3), 3)
    assert (found.name if found else None) == name
