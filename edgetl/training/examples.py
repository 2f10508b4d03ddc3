"""The images that a classifier learns from, and what each class counts."""

from dataclasses import dataclass

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
        training_images: the same images, in the size that `augment` takes.
    """

    training_images: Images
    augment: Augmentation


def class_weights(label_ids: np.ndarray, classes: int, balance_above: float) -> np.ndarray:
    """Return float32 [K], inverse to the classes' sizes with mean 1 over the images; all 1 up to a ratio of sizes of `balance_above`."""
    sizes = np.bincount(label_ids, minlength=classes)
    if sizes.max() <= balance_above * sizes.min():
        return np.ones(classes, np.float32)
    return (len(label_ids) / (classes * sizes)).astype(np.float32)
