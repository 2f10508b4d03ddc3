"""Translate the recipe into the settings of each room: pure functions, which know no files, devices or other processes."""

from collections.abc import Mapping
from dataclasses import replace

from edgetl.data.augment import Augmentation
from edgetl.quantization import scheme_of
from edgetl.quantization.base import Settings
from edgetl.recipe import Recipe
from edgetl.run_folder import RunFolder
from edgetl.training.compress import CompressSettings
from edgetl.training.finetune import Distillation, FineTuneSettings
from edgetl.training.schedule import Schedule, epochs_for
from edgetl.training.train_head import HeadSettings

# The head's batches are larger, hence fewer, than the network's: a step of dense layers alone costs next to nothing.
HEAD_BATCHES = 4
_LIVE_EPOCHS = 2 / 3  # of those with kept statistics, in the same time: 91 against 89 to 90 % on 2934 flowers (benchmarks/README.md)
# Settings of a training in which all of the network learns, all at once and at one rate.
WHOLE_NETWORK: Mapping[str, object] = {"train.unfreeze": "all", "train.depth_factor": 1.0, "train.unfreeze_epochs": 0.0}


def augmentation(recipe: Recipe, size: tuple[int, int]) -> Augmentation:
    """Return how training images vary that a network takes in this height and width."""
    augment = recipe.augment
    return Augmentation(augment.flip, augment.crop_min_area, augment.colour, augment.strength, size)


def mirrors(recipe: Recipe) -> bool:
    """Return whether training mirrors images at random."""
    return recipe.augment.flip and recipe.augment.strength > 0


def head_settings(recipe: Recipe) -> HeadSettings | None:
    """Return how the head is trained alone; None: it has no stage of its own."""
    model, train = recipe.model, recipe.train
    if not train.head_epochs:
        return None
    return HeadSettings(
        epochs=train.head_epochs,
        learning_rate=train.head_learning_rate,
        batch_size=HEAD_BATCHES * train.batch_size,
        dropout=model.dropout if model.dense else train.head_dropout,
        label_smoothing=train.label_smoothing,
        mirror=mirrors(recipe),
        seed=train.seed,
        l2=model.l2,
    )


def learns_norms(recipe: Recipe, images: int) -> bool:
    """Return whether pretrained batch norms learn their statistics anew from that many training images: it takes steps enough for that."""
    steps = steps_per_epoch(recipe, images)
    return recipe.model.weights != "none" and steps * live_epochs(recipe, steps) >= recipe.train.live_norms_from


def live_epochs(recipe: Recipe, steps: int) -> int:
    """Return for how many epochs of that many steps a network is fine-tuned whose batch norms learn their statistics."""
    return round(_LIVE_EPOCHS * epochs_for(steps)) if recipe.train.epochs == "auto" else recipe.train.epochs


def fine_tune_settings(recipe: Recipe, images: int = 0) -> FineTuneSettings:
    """Return how the network is trained on that many images by one replica, without XLA and without a teacher."""
    model, train, live = recipe.model, recipe.train, learns_norms(recipe, images)
    return FineTuneSettings(
        batch_size=train.batch_size,
        learning_rate=train.learning_rate * (train.live_norms_rate if live else 1.0),
        warmup_fraction=train.warmup_fraction,
        unfreeze=train.unfreeze,
        dropout=model.dropout,
        label_smoothing=train.label_smoothing,
        live_norms=live or model.weights == "none",
        seed=train.seed,
        l2=model.l2,
        depth_factor=train.depth_factor,
        unfreeze_epochs=train.unfreeze_epochs,
        steps_per_execution=train.steps_per_execution,
    )


def compress_settings(recipe: Recipe, distillation: Distillation, *, jit: bool) -> CompressSettings:
    """Return how the float model is compressed while it learns from its original's predictions."""
    # Zeros and clusters go through the whole network, so all of it must learn to live with them.
    tuning = replace(
        fine_tune_settings(recipe),
        dropout=0.0,
        live_norms=False,
        unfreeze="all",
        depth_factor=1.0,
        unfreeze_epochs=0.0,
        distillation=distillation,
        jit=jit,
    )
    return CompressSettings(
        sparsity=recipe.compress.sparsity,
        clusters=recipe.compress.clusters,
        pruning=replace(tuning, learning_rate=recipe.compress.learning_rate),
        clustering=replace(tuning, learning_rate=recipe.compress.cluster_learning_rate),
    )


def needs_images(recipe: Recipe, precision: str) -> bool:
    """Return whether files of a precision are found by images: those of an imported file's own integers are not."""
    return not recipe.quantize.own and scheme_of(precision).needs_images


def quantize_settings(recipe: Recipe) -> Settings:
    """Return how the float model is quantized."""
    quantize, train = recipe.quantize, recipe.train
    return Settings(
        ranges=quantize.ranges,
        batch_size=train.batch_size,
        learning_rate=quantize.learning_rate,
        temperature=quantize.temperature,
        feature_weight=quantize.feature_weight,
        learn_ranges=quantize.learn_ranges,
        seed=train.seed,
        compressed=recipe.compress.asked,
    )


def steps_per_epoch(recipe: Recipe, train_images: int, replicas: int = 1) -> int:
    """Return the number of batches in an epoch of that many images; `batch_size` is a replica's."""
    return -(-train_images // (recipe.train.batch_size * replicas))


def fine_tune_schedule(recipe: Recipe, run: RunFolder, stage: str, inputs: str, steps: int) -> Schedule:
    """Return the schedule of a stage that trains a float model; `steps` are those of an epoch, `inputs` the stage's identity."""
    return Schedule(
        name="fine-tuning",
        epochs=epochs_for(steps) if recipe.train.epochs == "auto" else recipe.train.epochs,
        steps_per_epoch=steps,
        patience=recipe.train.patience,
        checkpoint=run.checkpoint(stage),
        identity=inputs,
        logs=run.logs,
    )


def compress_schedule(recipe: Recipe, run: RunFolder, stage: str, inputs: str, steps: int) -> Schedule:
    """Return the schedule of pruning, and of clustering; all epochs are trained, and the best one is kept."""
    epochs = recipe.compress.epochs
    return replace(fine_tune_schedule(recipe, run, stage, inputs, steps), name=stage, epochs=epochs, patience=epochs)


def quantize_schedule(recipe: Recipe, run: RunFolder, stage: str, inputs: str, steps: int) -> Schedule:
    """Return the schedule of training with quantization in the loop; all epochs are trained."""
    epochs = recipe.quantize.epochs
    return replace(fine_tune_schedule(recipe, run, stage, inputs, steps), name=stage, epochs=epochs, patience=0)
