"""An epoch shows every row once, in an order that follows from (seed, epoch): a resumed run must see what it would have seen."""

import gc
import weakref
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from edgetl.data.base import Images
from edgetl.data.examples import Batching, Share, epoch_batches

COUNT = 23
Batch = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def images() -> Images:
    """Row i is filled with the value i, so that a batch tells which rows it holds."""
    pixels = np.broadcast_to(np.arange(COUNT, dtype=np.uint8)[:, None, None, None], (COUNT, 4, 4, 3)).copy()
    labels = np.arange(COUNT, dtype=np.int32) % 3
    names = tuple(map(str, range(COUNT)))
    return Images(pixels, labels, np.array(["train"] * COUNT), names, names, ("a", "b", "c"), (), "fingerprint")


def epoch(images: Images, rows: Sequence[int] = range(COUNT), size: int = 5, seed: int = 0, number: int = 0) -> list[Batch]:
    return list(epoch_batches(images, Batching(rows=np.array(rows), batch_size=size, seed=seed), number).as_numpy_iterator())


def by_five(count: int) -> Batching:
    return Batching(rows=np.arange(count), batch_size=5, seed=0)


def order(batches: list[Batch]) -> list[int]:
    return [int(image[0, 0, 0]) for pixels, *_ in batches for image in pixels]


def test_each_row_comes_once_and_the_last_batch_is_smaller(images: Images) -> None:
    batches = epoch(images)
    assert [len(pixels) for pixels, *_ in batches] == [5, 5, 5, 5, 3]
    assert sorted(order(batches)) == list(range(COUNT))
    assert order(batches) != list(range(COUNT)), "shuffled"


def test_labels_stay_with_their_images(images: Images) -> None:
    for pixels, labels, *_ in epoch(images):
        assert (pixels.dtype, labels.dtype) == (np.uint8, np.int32)
        np.testing.assert_array_equal(labels, pixels[:, 0, 0, 0] % 3)


def test_only_the_given_rows(images: Images) -> None:
    rows = [2, 3, 5, 7, 11, 13]
    assert sorted(order(epoch(images, rows, size=4))) == rows
    assert order(epoch(images, [8], size=4)) == [8]


def test_the_order_follows_from_seed_and_epoch(images: Images) -> None:
    orders = {(seed, number): order(epoch(images, seed=seed, number=number)) for seed in range(2) for number in range(2)}
    assert len({tuple(each) for each in orders.values()}) == 4, "another order for another seed or epoch"
    for (seed, number), each in orders.items():
        assert each == order(epoch(images, seed=seed, number=number))


def test_every_batch_has_a_seed_of_its_own(images: Images) -> None:
    """Else augmentation would draw the same variations again and again."""
    seeds = [tuple(seed) for number in range(2) for _, _, seed, _ in epoch(images, number=number)]
    assert len(set(seeds)) == len(seeds)
    again = [tuple(seed) for number in range(2) for _, _, seed, _ in epoch(images, number=number)]
    assert seeds == again


def test_replicas_share_each_batch(images: Images) -> None:
    """Of three replicas, one in this process and two in another; the last batch, of three images, is dealt out too."""
    everything, batching = epoch(images), by_five(COUNT)
    one, two = (list(epoch_batches(images, batching, 0, share).as_numpy_iterator()) for share in (Share(0, 1, 3), Share(1, 2, 3)))
    for number, (whole, *_) in enumerate(everything):
        parts = [one[number], two[2 * number], two[2 * number + 1]]
        assert sorted(order(parts)) == sorted(order([everything[number]]))
        assert sum(part[3] for part in parts) == pytest.approx(1)
        assert len({tuple(part[2]) for part in parts}) == 3, "each draws its own augmentation"
        assert [len(part[0]) / len(whole) for part in parts] == pytest.approx([part[3] for part in parts])


def test_a_batch_that_is_not_enough_for_all_is_left_out(images: Images) -> None:
    shares = [list(epoch_batches(images, by_five(21), 0, Share(part, 1, 2)).as_numpy_iterator()) for part in (0, 1)]
    assert [len(share) for share in shares] == [4, 4]


def test_a_memory_map_is_read_too(images: Images, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("cache") / "pixels.npy"
    np.save(path, images.pixels)
    mapped = replace(images, pixels=np.load(path, mmap_mode="r"))
    assert order(epoch(mapped, seed=4)) == order(epoch(images, seed=4))


def test_a_dataset_does_not_keep_the_images(images: Images) -> None:
    own = replace(images)
    dataset, there = epoch_batches(own, by_five(COUNT), 0), weakref.ref(own)
    assert len(list(dataset)) == 5
    del own
    gc.collect()
    assert there() is None
