"""A small trained classifier with every kind of layer, an untrained MobileNet beside it, and what each scheme makes of them."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from edgetl.data.base import Images
from edgetl.quantization.quantized import QuantizationResult
from edgetl.training.schedule import Schedule
from tests.training.conftest import CONTRACT, NO_AUGMENTATION, coloured, small_backbone

CALIBRATION = 24  # images, of the 60 that train


class Case(NamedTuple):
    """A folded float model and its images."""

    model: Any
    images: Images
    rows: np.ndarray


@pytest.fixture(scope="session")
def case(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Case]:
    """`small` is trained to tell the images apart; `mobilenet_v2` has random weights and the first blocks of a real network."""
    return cache(lambda name: _make(name, tmp_path_factory.mktemp(name)))


def _make(name: str, folder: Path) -> Case:
    from edgetl.keras import keras, set_seed

    from edgetl.backbones import BACKBONES
    from edgetl.training.finetune import FineTuneSettings, fine_tune
    from edgetl.training.fold import fold_batch_norms
    from edgetl.training.head import attach_head

    set_seed(1)
    images = coloured(90)
    if name == "small":
        model = attach_head(small_backbone(), 3)
        settings = FineTuneSettings(
            batch_size=8,
            learning_rate=0.02,
            warmup_fraction=0.1,
            unfreeze="all",
            dropout=0.0,
            label_smoothing=0.0,
            live_norms=True,
            seed=0,
        )
        fine_tune(model, examples_of(images), settings, short_schedule(folder / "float.npz", 8))
        model = fold_batch_norms(model)
        model.trainable = True
    else:
        complete = BACKBONES.load(name).build(0.35, 32)
        # Every kind of layer, a stride and a sum: what comes after repeats them.
        blocks = keras.Model(complete.input, complete.get_layer("block_2_add").output)
        model = attach_head(fold_batch_norms(blocks), 3)
    return Case(model, images, images.rows("train")[:CALIBRATION])


@pytest.fixture(scope="session")
def quantized(case: Callable[[str], Case], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], QuantizationResult]:
    """(scheme, case) to what the scheme makes of it; training is of a few steps."""

    @cache
    def _quantized(scheme: str, name: str) -> QuantizationResult:
        from edgetl.keras import set_seed

        from edgetl.quantization import SCHEMES

        set_seed(1)
        model, images, rows = case(name)
        epochs = 2 if name == "small" else 0  # a step of MobileNet costs seconds of tracing, and learns nothing in two epochs
        schedule = short_schedule(tmp_path_factory.mktemp("checkpoints") / "checkpoint.npz", epochs)
        return SCHEMES.load(scheme).quantize(model, examples_of(images), rows, short_settings(), schedule)

    return _quantized


def short_schedule(checkpoint: Path, epochs: int) -> Schedule:
    """Return the schedule of a training that is not stopped early."""
    return Schedule(name="training", epochs=epochs, steps_per_epoch=8, patience=epochs + 1, checkpoint=checkpoint, identity="these inputs")


def examples_of(images: Images) -> Any:
    from edgetl.data.examples import AugmentedExamples

    return AugmentedExamples(images, CONTRACT, np.ones(3, np.float32), lambda: images, NO_AUGMENTATION)


def short_settings() -> Any:
    from edgetl.quantization.base import Settings

    return Settings(
        "auto",
        batch_size=8,
        learning_rate=1e-3,
        temperature=2.0,
        feature_weight=0.5,
        learn_ranges=True,
        seed=0,
        compressed=False,
    )
