"""Images of none of the classes: set apart from the others, made the same each time, and behind the others as a class of their own."""

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
    pixels, names = unknown.made(images, 10, seed=1)
    assert pixels.shape == (10, 20, 30, channels)
    assert [name.partition(":")[0] for name in names] == ["texture"] * 7 + ["corner"] * 3
    assert len({one.tobytes() for one in pixels}) == 10
    np.testing.assert_array_equal(unknown.made(images, 10, seed=1)[0], pixels)
    assert (unknown.made(images, 10, seed=2)[0] != pixels).any()


def test_unknown_images_train_as_a_class_behind_the_last(images: Images) -> None:
    more = np.full((2, 20, 30, 3), 7, np.uint8)
    both = unknown.joined(images, [(more, ["a", "b"])])
    assert both.label_ids.tolist() == [0, 0, 0, 1, 1, 1, 2, 2]
    assert both.class_names == images.class_names
    assert both.rows("train").tolist() == [0, 1, 3, 4, 6, 7]
    assert both.rows("val").tolist() == images.rows("val").tolist(), "they choose and measure nothing"
    np.testing.assert_array_equal(both.pixels[[7, 2, 6]], [more[1], images.pixels[2], more[0]])
    np.testing.assert_array_equal(both.pixels[5:7], [images.pixels[5], more[0]])
    np.testing.assert_array_equal(both.pixels[-1], more[1])
    assert unknown.joined(images, []).pixels is images.pixels
