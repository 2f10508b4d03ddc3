"""Splits are decided by content: stable, without leaks, and never without a class."""

import hashlib

import numpy as np
import pytest

from edgetl.data.base import Images
from edgetl.data.splits import Selection, SplitOptions, assign, choosing
from edgetl.errors import UsageError


def contents(count, start=0):
    return [hashlib.sha256(str(number).encode()).hexdigest() for number in range(start, start + count)]


def options(val, test, seed):
    return SplitOptions(val_fraction=val, test_fraction=test, seed=seed)


def test_fractions_are_met_within_chance():
    splits = assign(contents(4000), [number % 5 for number in range(4000)], options(0.2, 0.1, 0))
    # 4 standard deviations of a binomial count: 4 * sqrt(4000 * 0.2 * 0.8) = 101, for test 76.
    assert abs(splits.count("val") - 800) <= 101
    assert abs(splits.count("test") - 400) <= 76


def test_no_image_moves_when_others_come_in_any_order():
    few, more = contents(200), contents(400)
    before = dict(zip(few, assign(few, [0, 1] * 100, options(0.2, 0.1, 3)), strict=True))
    after = dict(zip(reversed(more), assign(more[::-1], [1, 0] * 200, options(0.2, 0.1, 3)), strict=True))
    assert all(after[content] == split for content, split in before.items())


def test_seeds_differ_and_repeat():
    hashes, labels = contents(100), [0] * 100
    assert assign(hashes, labels, options(0.5, 0.0, 1)) == assign(hashes, labels, options(0.5, 0.0, 1))
    assert assign(hashes, labels, options(0.5, 0.0, 1)) != assign(hashes, labels, options(0.5, 0.0, 2))


def test_duplicates_share_a_split_in_one_class_and_across_classes():
    hashes = contents(50) * 3
    splits = assign(hashes, [number // 75 for number in range(150)], options(0.3, 0.2, 0))
    assert splits[:50] == splits[50:100] == splits[100:]


@pytest.mark.parametrize(("val", "test"), [(1e-9, 0.0), (0.2, 0.0), (0.98, 0.0), (0.01, 0.98), (0.5, 0.49)])
def test_tiny_classes_have_a_train_and_a_val_image(val, test):
    for seed in range(20):
        splits = assign(contents(6), [0, 0, 1, 1, 2, 2], options(val, test, seed))
        assert all(sorted(splits[row : row + 2]) == ["train", "val"] for row in (0, 2, 4))


def test_a_class_of_one_content_trains():
    assert assign(contents(1) * 2 + contents(2, 5), [0, 0, 1, 1], options(0.9, 0.0, 0))[:2] == ["train", "train"]


def test_no_images():
    assert assign([], [], options(0.2, 0.0, 0)) == []


def test_fractions_that_leave_nothing_to_train_are_refused():
    with pytest.raises(UsageError, match="no training images"):
        assign(contents(10), [0] * 10, options(0.6, 0.4, 0))


@pytest.mark.parametrize(("fraction", "most", "expected"), [(0.2, 1000, 60), (0.2, 30, 30), (0.5, 1000, 150)])
def test_images_that_choose_are_training_images(fraction: float, most: int, expected: int) -> None:
    """They are called val in what a training sees; what measures is out of its sight."""
    hashes = contents(400)
    splits = np.array(["train"] * 300 + ["val"] * 50 + ["test"] * 50)
    pixels, label_ids = np.zeros((400, 1, 1, 3), np.uint8), np.arange(400, dtype=np.int32) % 3
    images = Images(pixels, label_ids, splits, tuple(hashes), tuple(hashes), ("a", "b", "c"), (), "these")
    seen = choosing(images, Selection(fraction=fraction, most=most, seed=0))
    assert set(seen.splits[300:]) == {"test"}
    assert set(seen.splits[:300]) == {"train", "val"}
    chosen = seen.rows("val")
    assert abs(len(chosen) - expected) <= 4 * expected**0.5, "within four standard deviations"
    assert set(label_ids[chosen]) == {0, 1, 2}
    assert set(chosen) != set(choosing(images, Selection(fraction=fraction, most=most, seed=1)).rows("val"))
