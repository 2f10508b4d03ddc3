"""Which images are golden, and what counts as the same answer."""

import numpy as np
import pytest

from edgetl.errors import ParityError
from edgetl.ship.golden import MAX_STEPS, Golden, check, check_resize, choose, mosaic

ANSWERS = np.array([[0.9, 0.1], [0.6, 0.4], [0.51, 0.49], [0.2, 0.8], [0.45, 0.55], [0.05, 0.95], [0.3, 0.7]], np.float32)
LABELS = np.array([0, 0, 0, 1, 1, 1, 0])


def test_the_surest_of_each_class_and_the_closest_calls() -> None:
    assert choose(ANSWERS, LABELS, 4).tolist() == [0, 5, 2, 4]
    assert sorted(choose(ANSWERS, LABELS, 100).tolist()) == list(range(7)), "few images are all golden"
    assert choose(np.eye(30, dtype=np.float32), np.arange(30), 12).tolist()[:6] == [0, 1, 2, 3, 4, 5], "many classes take half at most"


NAMES = ("cat", "dog")


def made() -> Golden:
    pixels = np.random.default_rng(0).integers(0, 256, (7, 4, 4, 3), np.uint8)
    return Golden(pixels, tuple(NAMES[label] for label in LABELS), {"m": ANSWERS}, pixels[0])


def test_files_and_back() -> None:
    golden = made()
    again = Golden.of(golden.files(NAMES), NAMES)
    np.testing.assert_array_equal(again.pixels, golden.pixels)
    np.testing.assert_allclose(again.predictions["m"], ANSWERS, atol=1e-6)
    np.testing.assert_array_equal(again.resized, golden.resized)
    assert again.labels == golden.labels


def test_labels_in_another_order_are_found_out() -> None:
    with pytest.raises(ParityError, match="another order"):
        Golden.of(made().files(NAMES), NAMES[::-1])


def test_the_mosaic_is_five_in_a_row_and_cut_below() -> None:
    pixels = made().pixels
    whole = mosaic(pixels)
    assert whole.shape == (9, 20, 3)
    np.testing.assert_array_equal(whole[4:8, 4:8], pixels[6])
    np.testing.assert_array_equal(whole[4:8, 8:12], pixels[0], err_msg="seven images: the eighth is the first again")


def test_a_resize_of_another_kind_is_found_out() -> None:
    wanted = np.full((4, 4, 3), 100, np.uint8)
    assert check_resize(wanted, wanted + np.uint8(1)) == 1
    with pytest.raises(ParityError, match="2 levels"):
        check_resize(wanted, wanted - np.uint8(2))


def test_roundings_pass_and_another_order_does_not() -> None:
    assert check("m", ANSWERS, ANSWERS + 2 / 256)["max_steps"] == pytest.approx(2, abs=0.01)
    for wrong in (ANSWERS[:, ::-1], np.roll(ANSWERS, 1, axis=0), ANSWERS + (MAX_STEPS + 1) / 256, ANSWERS * np.nan, ANSWERS[:3]):
        with pytest.raises(ParityError, match="golden predictions"):
            check("m", ANSWERS, wrong)
    one_wrong = ANSWERS.copy()
    one_wrong[2, 0] += 30 / 256
    with pytest.raises(ParityError, match="30 steps"):
        check("m", ANSWERS, one_wrong)
