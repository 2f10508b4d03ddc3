"""Splits of images that show several classes keep the shares of the classes and of their pairs."""

import hashlib

import numpy as np

from edgetl.data.base import Images
from edgetl.data.calibration import sample
from edgetl.data.splits import Selection, SplitOptions, assign, choosing

OPTIONS = SplitOptions(val_fraction=0.2, test_fraction=0.1, seed=0)


def hashes(count: int) -> list[str]:
    return [hashlib.sha256(str(number).encode()).hexdigest() for number in range(count)]


def labels(count: int, classes: int = 6, seed: int = 0) -> np.ndarray:
    """Classes of which some are rare, and come with others more often than chance would have it."""
    random = np.random.default_rng(seed)
    shown = random.random((count, classes)) < np.geomspace(0.5, 0.03, classes)
    shown[:, -1] |= shown[:, 0] & (random.random(count) < 0.05)
    return shown.astype(np.int32)


def test_pairs_keep_their_shares() -> None:
    label_ids = labels(1000)
    splits = np.array(assign(hashes(1000), label_ids, OPTIONS))
    pairs = label_ids.T @ label_ids
    for split, share in (("train", 0.7), ("val", 0.2), ("test", 0.1)):
        found = label_ids[splits == split].T @ label_ids[splits == split]
        # Within two images of what each class and each pair is due; at random 200 images are off by up to 4 * sqrt(200 * 0.2 * 0.8).
        assert np.abs(found - share * pairs).max() <= 2.5
        assert abs((splits == split).sum() - 1000 * share) <= 10


def test_the_same_again_in_any_order_and_copies_stay_together() -> None:
    label_ids, contents = labels(300), hashes(300)
    first = dict(zip(contents, assign(contents, label_ids, OPTIONS), strict=True))
    order = np.random.default_rng(1).permutation(600) % 300
    again = assign([contents[row] for row in order], label_ids[order], OPTIONS)
    assert all(first[contents[row]] == split for row, split in zip(order, again, strict=True))


def test_each_class_trains_and_is_measured() -> None:
    label_ids = np.zeros((40, 3), np.int32)
    label_ids[:36, 0], label_ids[:2, 1], label_ids[4:6, 2] = 1, 1, 1
    for seed in range(20):
        splits = np.array(assign(hashes(40), label_ids, SplitOptions(val_fraction=0.1, test_fraction=0.0, seed=seed)))
        assert all({"train", "val"} == set(splits[shown == 1]) for shown in label_ids.T)


def test_images_that_choose_are_stratified_too() -> None:
    count, label_ids = 400, labels(400)
    pixels, names = np.zeros((count, 2, 2, 3), np.uint8), tuple(map(str, range(count)))
    images = Images(pixels, label_ids, np.full(count, "train"), names, tuple(hashes(count)), tuple("abcdef"), (), "")
    chosen = choosing(images, Selection(fraction=0.3, most=100, seed=0)).rows("val")
    assert abs(len(chosen) - 100) <= 2
    assert np.abs(label_ids[chosen].sum(0) - 0.25 * label_ids.sum(0)).max() <= 1


def test_a_sample_has_rare_classes_and_images_of_none() -> None:
    label_ids = np.zeros((100, 3), np.int32)
    label_ids[:90, 0], label_ids[:3, 1] = 1, 1
    rows = sample(label_ids, np.arange(100), 12, seed=0)
    assert set(range(3)) <= set(rows.tolist())
    assert not label_ids[rows].any(1).all()
