"""Ninety small images of three kinds and a network that can tell them apart, for trainings of a second."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetl.contract import Contract
from edgetl.data.augment import Augmentation
from edgetl.data.base import Images
from edgetl.training.schedule import Schedule

SIZE = 32
CONTRACT = Contract.square(SIZE, 1 / 127.5, 128, ("red", "green", "blue"))
NO_AUGMENTATION = Augmentation(flip=False, crop_min_area=1.0, colour=0.0, strength=0.0, size=(SIZE, SIZE))


def coloured(count: int, seed: int = 0, difference: float = 60.0) -> Images:
    """Noise with a square whose class's channel is brighter by `difference` than the grey; every third image validates."""
    random = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.int32) % 3
    pixels = random.uniform(60, 160, (count, 1, 1, 1)) + random.normal(0, 25, (count, SIZE, SIZE, 3))
    for row, label in enumerate(labels):
        top, left = random.integers(0, SIZE // 2, 2)
        pixels[row, top : top + SIZE // 2, left : left + SIZE // 2, label] += difference
    splits = np.where(np.arange(count) // 3 % 3 == 2, "val", "train")
    names = tuple(str(row) for row in range(count))
    return Images(np.clip(pixels, 0, 255).astype(np.uint8), labels, splits, names, names, CONTRACT.class_names, (), "fingerprint")


def small_backbone() -> Any:
    """A residual block such as MobileNet's, with random weights from the global seed: float32 [N, 32, 32, 3] to [N, 16, 16, 12]."""
    from edgetl.keras import keras, layers

    image = keras.Input((SIZE, SIZE, 3))
    x = layers.Conv2D(6, 3, 2, "same", use_bias=False, name="stem")(image)
    entered = layers.ReLU(6.0, name="stem_relu")(layers.BatchNormalization(name="stem_norm")(x))
    x = layers.DepthwiseConv2D(3, 1, "same", use_bias=False, name="block_depthwise")(entered)
    x = layers.ReLU(6.0, name="block_relu")(layers.BatchNormalization(name="block_norm")(x))
    x = layers.BatchNormalization(name="block_project_norm")(layers.Conv2D(6, 1, use_bias=False, name="block_project")(x))
    x = layers.Conv2D(12, 1, use_bias=False, name="last")(layers.Add(name="block_add")([entered, x]))
    return keras.Model(image, layers.ReLU(6.0, name="last_relu")(layers.BatchNormalization(name="last_norm")(x)), name="small")


@pytest.fixture(scope="session")
def images() -> Images:
    return coloured(90)


@pytest.fixture
def classifier() -> Callable[..., Any]:
    """A seed to a fresh classifier: the same seed makes the same weights, and same seeds from then on."""

    def _classifier(seed: int = 1, classes: int = 3) -> Any:
        from edgetl.keras import set_seed

        from edgetl.training.head import attach_head

        set_seed(seed)
        return attach_head(small_backbone(), classes)

    return _classifier


@pytest.fixture
def schedule(tmp_path: Path) -> Callable[..., Schedule]:
    def _schedule(epochs: int, patience: int = 99, identity: str = "these inputs", steps: int = 8) -> Schedule:
        return Schedule(
            name="training",
            epochs=epochs,
            steps_per_epoch=steps,
            patience=patience,
            checkpoint=tmp_path / "checkpoint.npz",
            identity=identity,
        )

    return _schedule
