"""The images that a classifier learns from, and their batches.

The order of an epoch and every random draw follow from (seed, epoch), so that a resumed run sees the same.
"""

import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from edgetl.keras import tf

import numpy as np

from edgetl.contract import Contract
from edgetl.data.augment import Augmentation
from edgetl.data.base import Images


@dataclass(frozen=True, eq=False)
class Examples:
    """The images to learn from and to validate on.

    Args:
        images: of all splits, in the contract's size.
        class_weights: float32 [K], see `class_weights`.
    """

    images: Images
    contract: Contract
    class_weights: np.ndarray


@dataclass(frozen=True, eq=False)
class AugmentedExamples(Examples):
    """Examples whose training images vary.

    Args:
        read_larger: gives the same images, in the size that `augment` takes.
    """

    read_larger: Callable[[], Images]
    augment: Augmentation

    @property
    def training_images(self) -> Images:
        """The images in that size; they are read when a training first asks for them, since calibration alone does without."""
        return self.read_larger()


def class_weights(label_ids: np.ndarray, classes: int, balance_above: float) -> np.ndarray:
    """Return float32 [K], inverse to the classes' sizes with mean 1 over the images; all 1 up to a ratio of sizes of `balance_above`.

    Classes without images do not count, and have 1.
    """
    weights = np.ones(classes, np.float32)
    if label_ids.ndim == 2:
        return weights
    sizes = np.bincount(label_ids, minlength=classes)
    there = sizes > 0
    if sizes.max() > balance_above * sizes[there].min():
        weights[there] = len(label_ids) / (there.sum() * sizes[there])
    return weights


@dataclass(frozen=True)
class Share:
    """The parts of each batch that a process takes: the parts `first` to `first + count` when it is dealt out to `of` replicas."""

    first: int = 0
    count: int = 1
    of: int = 1


ALL = Share()
T = TypeVar("T")


@dataclass(frozen=True, eq=False, kw_only=True)
class Batching:
    """The images that an epoch goes through, by their rows, and how it does."""

    rows: np.ndarray
    batch_size: int
    seed: int


def epoch_batches(images: Images, batching: Batching, epoch: int, share: Share = ALL) -> Any:
    """Return one epoch in random order, streamed; the images must live as long as it is read.

    Returns:
        a tf.data.Dataset of (uint8 pixels [n, H, W, 3], int32 labels [n] or [n, K], int32 seed [2], float32 n over the whole batch's size);
        the last batch may be smaller, and is left out where some replica would get nothing of it.
    """
    seed, batch_size = batching.seed, batching.batch_size
    order = batching.rows[np.random.default_rng([seed, epoch]).permutation(len(batching.rows))]

    def batches(there: Images) -> Iterator[tuple[Any, ...]]:
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            if len(batch) < share.of:
                return
            for part in range(share.first, share.first + share.count):
                own = batch[part :: share.of]
                draws = np.array([seed + epoch * 7919, start + part], np.int32)
                yield there.pixels[own], there.label_ids[own], draws, np.float32(len(own) / len(batch))

    signature = (
        tf.TensorSpec((None, *images.pixels.shape[1:]), tf.uint8),
        tf.TensorSpec((None, *images.label_ids.shape[1:]), tf.int32),
        tf.TensorSpec((2,), tf.int32),
        tf.TensorSpec((), tf.float32),
    )
    # Nothing here is for autotuning, and its thread sleeps for up to twice the time it has run: the end of an epoch would wait for it.
    options = tf.data.Options()
    options.autotune.enabled = False
    return streamed(images, batches, signature).with_options(options)


def streamed(source: T, batches: Callable[[T], Iterator[tuple[Any, ...]]], signature: tuple[Any, ...]) -> Any:
    """Return a tf.data.Dataset of what `batches(source)` yields, made while it is read; the source must live as long as that.

    TensorFlow may hold a dataset's generator for ever, by graphs that it does not free, but not its source: a search would keep the pixels
    of all its trials. `batches` must not hold the source either.
    """
    kept = weakref.ref(source)

    def read() -> Iterator[tuple[Any, ...]]:
        there = kept()
        assert there is not None
        yield from batches(there)

    return tf.data.Dataset.from_generator(read, output_signature=signature).prefetch(4)
