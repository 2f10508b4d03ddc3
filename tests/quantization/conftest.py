"""A small trained classifier with every kind of layer, an untrained MobileNet beside it, and what each scheme makes of them."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from edgetl.data.base import Images
from edgetl.quantization.base import Quantized
from edgetl.training.epochs import Schedule
from tests.training.conftest import CONTRACT, NO_AUGMENTATION, coloured, small_backbone

CALIBRATION = 24  # images, of the 60 that train


class Case(NamedTuple):
    """A folded float model and its images."""

    model: Any
    images: Images
    rows: np.ndarray


@pytest.fixture(scope="session")
def case(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Case]:
    """`small` is trained to tell the images apart; `mobilenet_v2` has random weights and the layers of a real network."""
    return cache(lambda name: _make(name, tmp_path_factory.mktemp(name)))


def _make(name: str, folder: Path) -> Case:
    from edgetl.keras import set_seed

    from edgetl.backbones import BACKBONES
    from edgetl.backbones.fold import fold_batch_norms
    from edgetl.training.finetune import FineTuneSettings, Material, fine_tune
    from edgetl.training.head import attach_head

    set_seed(1)
    images = coloured(90)
    if name == "small":
        model = attach_head(small_backbone(), 3)
        settings = FineTuneSettings(8, 0.02, 0.1, "all", 0.0, 0.0, True, 0)
        schedule = Schedule(8, 8, 8, folder / "float.npz", "float")
        fine_tune(model, Material(images, images, CONTRACT, np.ones(3, np.float32), NO_AUGMENTATION), settings, schedule)
        model = fold_batch_norms(model)
        model.trainable = True
    else:
        model = attach_head(fold_batch_norms(BACKBONES.load(name).build(0.35, 32)), 3)
    return Case(model, images, images.rows("train")[:CALIBRATION])


@pytest.fixture(scope="session")
def quantized(
    case: Callable[[str], Case], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], tuple[Quantized, dict[str, Any]]]:
    """(scheme, case) to what the scheme makes of it; training is of a few steps."""

    @cache
    def _quantized(scheme: str, name: str) -> tuple[Quantized, dict[str, Any]]:
        from edgetl.keras import set_seed

        from edgetl.quantization import SCHEMES

        set_seed(1)
        model, images, rows = case(name)
        epochs = 2 if name == "small" else 0  # a step of MobileNet costs seconds of tracing, and learns nothing in two epochs
        schedule = Schedule(epochs, 8, epochs, tmp_path_factory.mktemp("checkpoints") / "checkpoint.npz", f"{scheme} {name}")
        return SCHEMES.load(scheme).quantize(model, images, rows, CONTRACT, settings_for(images), schedule)

    return _quantized


def settings_for(images: Images) -> Any:
    from edgetl.quantization.base import Settings

    return Settings(
        "auto",
        images,
        batch_size=8,
        learning_rate=1e-3,
        temperature=2.0,
        feature_weight=0.5,
        learn_ranges=True,
        augment=NO_AUGMENTATION,
        seed=0,
    )
