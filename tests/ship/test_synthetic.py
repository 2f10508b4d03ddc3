"""Synthetic golden images: what they cover, and that nothing else goes into them."""

from collections.abc import Sequence

import numpy as np
import pytest

from edgetl.contract import Contract
from edgetl.output import Rejection
from edgetl.ship import synthetic
from edgetl.ship.golden import IMAGES, UNKNOWN_IMAGES

NAMES = ("red", "green", "blue", "bright on dark")
OUTPUT = Contract.square(16, 1 / 255, 0, NAMES).output
REJECTING = Contract.square(16, 1 / 255, 0, NAMES).rejecting(Rejection(threshold=0.5, keep=0.95, inside_the_model=True)).output
SEVERAL = Contract.square(16, 1 / 255, 0, NAMES).for_task("multi-label").output


def evidence(pixels: np.ndarray) -> np.ndarray:
    """How much of each class an image has, [N, 4]: a colour against the others, or a bright centre on a dark border."""
    values = pixels.astype(np.float64) / 255
    colour = values.mean((1, 2))
    border = np.concatenate([values[:, [0, -1]].mean((1, 2, 3))[:, None], values[:, :, [0, -1]].mean((1, 2, 3))[:, None]], axis=1).max(1)
    centre = values[:, 6:10, 6:10].mean((1, 2, 3)) - 2 * border - 0.2
    return np.column_stack([*(2 * colour[:, k] - colour.sum(1) for k in range(3)), centre])


def predict(pixels: np.ndarray) -> np.ndarray:
    """Probabilities in steps of 1/256, with a share of unknown ones."""
    shares = np.exp(np.column_stack([30 * evidence(pixels), np.full(len(pixels), 6.0)]))
    return np.round(256 * shares / shares.sum(1, keepdims=True))[:, :4] / 256


def test_the_same_model_gives_the_same_images_that_are_sure_of_each_class() -> None:
    found = synthetic.candidates(predict, (16, 16, 3))
    np.testing.assert_array_equal(found, synthetic.candidates(predict, (16, 16, 3)))
    assert (predict(found).max(0) > 0.8).all(), "also what no texture shows"
    assert (predict(found).max(1) < 0.2).any()


@pytest.mark.parametrize("shape", [(16, 16, 1), (12, 20, 3)])
def test_images_are_of_the_models_size(shape: tuple[int, int, int]) -> None:
    found = synthetic.candidates(lambda pixels: np.full((len(pixels), 2), 0.9), shape)
    assert (found.shape[1:], found.dtype) == (shape, np.uint8)


def test_the_choice_has_each_class_close_calls_and_unknown_images() -> None:
    found = synthetic.candidates(predict, (16, 16, 3))
    predictions = predict(found)
    rows, missing = synthetic.choose_made(predictions, REJECTING)
    assert (len(rows), len(set(rows)), missing.tolist()) == (IMAGES, IMAGES, [])
    shown = REJECTING.present(predictions[rows])
    assert (~shown.any(1)).tolist() == [False] * (IMAGES - UNKNOWN_IMAGES) + [True] * UNKNOWN_IMAGES, "unknown ones stand at the end"
    assert (predictions[rows[:4]].max(1) > 0.8).all()
    assert predictions[rows[4:9]].max(1).min() < 0.7, "the others are near a decision"
    assert synthetic.overlooked(predict, found[rows], predictions[rows], REJECTING) == []

    rows, missing = synthetic.choose_made(predictions[:, :3], Contract.square(16, 1 / 255, 0, NAMES[:3]).output)
    assert len(rows) == IMAGES, "without thresholds every image is named"


def test_of_several_classes_there_are_images_with_none_one_and_more() -> None:
    predictions = 1 / (1 + np.exp(-20 * evidence(synthetic.candidates(predict, (16, 16, 3)))))
    rows, _ = synthetic.choose_made(predictions, SEVERAL)
    assert len(set(rows)) == IMAGES
    assert {0, 1} <= set(SEVERAL.present(predictions[rows]).sum(1))


def test_more_classes_than_images_are_named_as_missing() -> None:
    names = tuple(map(str, range(40)))
    predictions = np.concatenate([np.eye(40)] * 2) * 0.9
    rows, missing = synthetic.choose_made(predictions, Contract.square(16, 1 / 255, 0, names).output)
    assert len(set(predictions[rows].argmax(1))) == IMAGES
    assert len(missing) == 40 - IMAGES


def test_images_that_noise_moves_are_left_out() -> None:
    images = np.full((2, 8, 8, 3), 128, np.uint8)
    images[1] = 20

    def close(pixels: np.ndarray) -> np.ndarray:
        return np.stack([(pixels[:, 0, 0, 0] == 128) * 1.0, np.zeros(len(pixels))], 1)

    assert synthetic.steady(close, images, close(images)).tolist() == [1]


def test_what_a_model_that_rejects_all_cannot_show_is_found() -> None:
    images = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), np.uint8)
    constant = lambda pixels: np.full((len(pixels), 4), 0.01)  # noqa: E731
    said = synthetic.overlooked(constant, images, constant(images), REJECTING)
    assert said == ["swapped channels", "other normalization", "inverted values", "other order of the class names"]


def test_what_the_search_does_not_find_is_ascended_to() -> None:
    """A class that one image alone shows, which nothing leads to."""
    only, asked = np.random.default_rng(9).integers(0, 256, (1, 16, 16, 3), np.uint8), []

    def blind(pixels: np.ndarray) -> np.ndarray:
        shown = (pixels == only).all((1, 2, 3))
        return np.column_stack([np.full(len(pixels), 0.9), np.where(shown, 0.95, 1 / 256)])

    def ascend(images: np.ndarray, classes: Sequence[int]) -> np.ndarray:
        asked.append((images.shape, list(classes)))
        return only

    assert blind(synthetic.candidates(blind, (16, 16, 3))).max(0)[1] < 0.5
    assert blind(synthetic.candidates(blind, (16, 16, 3), ascend)).max(0)[1] == 0.95
    assert asked == [((1, 16, 16, 3), [1])]
