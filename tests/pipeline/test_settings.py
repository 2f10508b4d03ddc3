"""The recipe as the settings of each room."""

from pathlib import Path

import pytest

from edgetl.pipeline.settings import (
    augmentation,
    compress_schedule,
    compress_settings,
    fine_tune_schedule,
    fine_tune_settings,
    head_settings,
    mirrors,
    quantize_schedule,
    steps_per_epoch,
)
from edgetl.recipe import load
from edgetl.run_folder import RunFolder
from edgetl.training.finetune import Distillation

RUN = RunFolder(Path("run"))


def test_the_head_takes_larger_batches_and_mirrors_as_the_augmentation_does() -> None:
    recipe = load(settings=["train.batch_size=8", "train.head_epochs=3", "model.l2=1e-4", "train.seed=7"])
    settings = head_settings(recipe)
    assert settings is not None
    assert (settings.batch_size, settings.epochs, settings.l2, settings.seed, settings.mirror) == (32, 3, 1e-4, 7, True)
    assert head_settings(load(settings=["train.head_epochs=0"])) is None, "no stage of its own"


@pytest.mark.parametrize(
    ("setting", "mirrored"), [("augment.flip=true", True), ("augment.flip=false", False), ("augment.strength=0", False)]
)
def test_mirroring_needs_an_augmentation_that_is_on(setting: str, mirrored: bool) -> None:
    recipe = load(settings=[setting])
    assert mirrors(recipe) == mirrored
    assert augmentation(recipe, (48, 32)).size == (48, 32)


def test_fine_tuning_is_as_the_recipe_says() -> None:
    recipe = load(settings=["train.unfreeze=2-blocks", "train.learning_rate=0.25", "model.weights=none", "train.depth_factor=0.5"])
    settings = fine_tune_settings(recipe)
    assert (settings.unfreeze, settings.learning_rate, settings.live_norms, settings.depth_factor) == ("2-blocks", 0.25, True, 0.5)
    assert settings.learning_rate == fine_tune_settings(recipe, 10_000).learning_rate, "random weights have their own"


@pytest.mark.parametrize(
    ("images", "epochs", "learned"),
    [(1000, "auto", False), (2934, "auto", True), (2934, 10, False), (2934, 16, True), (200_000, 1, True)],
)
def test_many_steps_move_the_statistics_of_pretrained_norms_and_few_do_not(images: int, epochs: str | int, learned: bool) -> None:
    recipe = load(settings=[f"train.epochs={epochs}", "train.live_norms_rate=3", "train.learning_rate=0.1"])
    settings = fine_tune_settings(recipe, images)
    assert (settings.live_norms, settings.learning_rate) == (learned, pytest.approx(0.3 if learned else 0.1))


def test_compression_trains_the_entire_network_at_its_own_rates() -> None:
    recipe = load(
        settings=["train.unfreeze=head", "train.depth_factor=0.5", "compress.learning_rate=0.5", "compress.cluster_learning_rate=0.25"]
    )
    distillation = Distillation(lambda pixels: pixels, 1.0, 2.0)
    settings = compress_settings(recipe, distillation, jit=True)
    assert (settings.pruning.learning_rate, settings.clustering.learning_rate) == (0.5, 0.25)
    for part in (settings.pruning, settings.clustering):
        assert (part.unfreeze, part.depth_factor, part.dropout, part.live_norms) == ("all", 1.0, 0.0, False)
        assert (part.distillation, part.jit) == (distillation, True)


def test_schedules_differ_in_epochs_and_patience() -> None:
    recipe = load(settings=["train.epochs=9", "train.patience=4", "compress.epochs=3", "quantize.epochs=2"])
    found = [make(recipe, RUN, "stage", "inputs", 5) for make in (fine_tune_schedule, compress_schedule, quantize_schedule)]
    assert [(one.epochs, one.patience) for one in found] == [(9, 4), (3, 3), (2, 0)], (
        "compression keeps its best epoch, and stops early for none"
    )
    assert {(one.steps_per_epoch, one.checkpoint, one.identity, one.logs) for one in found} == {
        (5, RUN.checkpoint("stage"), "inputs", RUN.logs)
    }


def test_a_batch_is_a_replicas() -> None:
    recipe = load(settings=["train.batch_size=8"])
    assert [steps_per_epoch(recipe, 33), steps_per_epoch(recipe, 33, replicas=2)] == [5, 3]
