"""Augmentation varies images only as far, and only in the ways, that it was told to."""

from typing import Any

import numpy as np
import pytest

from edgetl.data.augment import Augmentation

SIZE = 16
OFF: dict[str, Any] = {"flip": False, "crop_min_area": 1.0, "colour": 0.0, "strength": 1.0, "size": (SIZE, SIZE)}


def images(count: int) -> np.ndarray:
    """uint8 [count, 16, 16, 3]: noise, so that any move of a pixel shows."""
    return np.random.default_rng(0).integers(0, 256, (count, SIZE, SIZE, 3), np.uint8)


def augment(pixels: np.ndarray, seed: tuple[int, int] = (1, 2), **changes: Any) -> np.ndarray:
    """Nothing varies but what `changes` turn on."""
    made: np.ndarray = Augmentation(**OFF | changes)(pixels, np.array(seed, np.int32)).numpy()
    return made


EVERYTHING: dict[str, Any] = {"flip": True, "crop_min_area": 0.35, "colour": 0.2}


def test_the_seed_decides() -> None:
    pixels = images(8)
    first = augment(pixels, (3, 4), **EVERYTHING)
    np.testing.assert_array_equal(first, augment(pixels, (3, 4), **EVERYTHING))
    for other in ((3, 5), (4, 4)):
        changed = (first != augment(pixels, other, **EVERYTHING)).any(axis=(1, 2, 3))
        assert changed.all(), "every image of a batch is drawn anew, by either number of the seed"


def test_images_of_a_batch_vary_each_by_itself() -> None:
    same = np.repeat(images(1), 16, axis=0)
    assert len(np.unique(augment(same, **EVERYTHING), axis=0)) == 16


def test_strength_0_is_the_identity() -> None:
    made = augment(images(4), **EVERYTHING, strength=0.0)
    np.testing.assert_array_equal(made, images(4))
    assert made.dtype == np.float32


def test_values_are_those_that_a_byte_can_have() -> None:
    """The model will be fed bytes: between-values and overshoots would train on what never comes."""
    made = augment(images(64), flip=True, crop_min_area=0.2, colour=0.9, strength=2.0)
    assert made.dtype == np.float32
    np.testing.assert_array_equal(made, np.rint(made))
    assert made.min() == 0
    assert made.max() == 255


def test_with_everything_off_only_the_input_comes_out() -> None:
    """crop_min_area 1 keeps the whole image: then its shape must not vary either."""
    for seed in range(20):
        np.testing.assert_array_equal(augment(images(8), (seed, 0)), images(8))


def test_flip_mirrors_about_half_and_changes_nothing_else() -> None:
    pixels = images(400)
    made = augment(pixels, flip=True)
    mirrored = (made == pixels[:, :, ::-1]).all(axis=(1, 2, 3))
    kept = (made == pixels).all(axis=(1, 2, 3))
    assert (mirrored ^ kept).all()
    assert 160 <= mirrored.sum() <= 240  # 200 expected with a deviation of 10: four of them


def test_without_flip_nothing_is_mirrored() -> None:
    """Text and digits: crops of an image that brightens to the right must still do so."""
    ramp = np.broadcast_to(np.linspace(0, 255, SIZE).astype(np.uint8)[None, None, :, None], (200, SIZE, SIZE, 3))
    made = augment(ramp, crop_min_area=0.2)
    assert (made[:, :, -1] > made[:, :, 0]).all()
    flipped = augment(ramp, crop_min_area=0.2, flip=True)
    assert 60 <= (flipped[:, :, -1] < flipped[:, :, 0])[:, 0, 0].sum() <= 140


@pytest.mark.parametrize("crop_min_area", [0.2, 0.5, 0.9, 1.0])
def test_crops_keep_the_promised_area(crop_min_area: float) -> None:
    """Measured on two ramps: how much of the width and of the height is still seen."""
    across, down = np.meshgrid(np.linspace(0, 255, SIZE), np.linspace(0, 255, SIZE))
    ramps = np.stack([across, down, across], axis=-1).astype(np.uint8)
    made = augment(np.repeat(ramps[None], 500, axis=0), crop_min_area=crop_min_area)
    widths, heights = np.ptp(made[..., 0], axis=(1, 2)) / 255, np.ptp(made[..., 1], axis=(1, 2)) / 255
    areas = widths * heights
    assert areas.min() >= crop_min_area - 0.02  # two roundings to 1/255 in each direction
    assert areas.max() <= 1
    if crop_min_area < 1:
        assert areas.min() <= crop_min_area + 0.1, "small crops do occur"
        assert areas.max() >= 0.9, "and so do large ones"
    if crop_min_area <= 0.5:
        ratios = widths / heights
        assert ratios.min() < 0.8
        assert ratios.max() > 1.25
        assert ratios.min() > 0.72  # 3/4 to 4/3, and the roundings
        assert ratios.max() < 1.39


def test_strength_scales_the_crop() -> None:
    across = np.broadcast_to(np.linspace(0, 255, SIZE).astype(np.uint8)[None, None, :, None], (200, SIZE, SIZE, 3))
    least = [np.ptp(augment(across, crop_min_area=0.3, strength=strength), axis=(1, 2, 3)).min() for strength in (0.1, 0.5, 1.0)]
    assert least[0] > least[1] > least[2]


def test_crops_show_nothing_from_outside() -> None:
    """A reading position past the edge would come out black."""
    white = np.full((2000, SIZE, SIZE, 3), 255, np.uint8)
    assert augment(white, flip=True, crop_min_area=0.05).min() == 255


def test_colour_changes_by_no_more_than_its_amount() -> None:
    grey = np.full((500, SIZE, SIZE, 3), 100, np.uint8)
    made = augment(grey, colour=0.2)
    assert np.ptp(made, axis=(1, 2, 3)).max() == 0, "a plain grey image has no contrast and no saturation to change"
    assert 80 <= made.min() < 84
    assert 116 < made.max() <= 120
