"""Images of none of the classes: set apart from the others, and made the same each time."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgetl.data import sources, unknown
from edgetl.data.base import Images


@pytest.fixture
def images() -> Images:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 20, 30, 3), np.uint8)
    names = tuple(f"{row}.png" for row in range(6))
    return Images(
        pixels=pixels,
        label_ids=np.array([0, 0, 0, 1, 1, 1], np.int32),
        splits=np.array(["train", "train", "val"] * 2),
        names=names,
        hashes=names,
        class_names=("cat", "dog"),
        rejected=(),
        fingerprint="",
    )


def test_a_background_folder_is_no_class(tmp_path: Path) -> None:
    for name in ("cat", "dog", "_background"):
        (tmp_path / name).mkdir()
        for number in range(2):
            Image.new("RGB", (8, 8), (number, len(name), 0)).save(tmp_path / name / f"{number}.png")
    listing, background = unknown.apart(sources.find(str(tmp_path)))
    assert listing.class_names == ("cat", "dog")
    assert {item.class_name for item in listing.items} == {"cat", "dog"}
    assert background is not None
    assert [Path(item.name).parent.name for item in background.items] == ["_background"] * 2
    assert unknown.apart(listing) == (listing, None)


@pytest.mark.parametrize("channels", [1, 3])
def test_made_images_are_the_same_each_time_and_differ_from_each_other(images: Images, channels: int) -> None:
    images = replace(images, pixels=images.pixels[..., :channels])
    pixels = unknown.made(images, 10, seed=1)
    assert pixels.shape == (10, 20, 30, channels)
    assert len({one.tobytes() for one in pixels}) == 10
    np.testing.assert_array_equal(unknown.made(images, 10, seed=1), pixels)
    assert (unknown.made(images, 10, seed=2) != pixels).any()
