"""Choose how much to unfreeze and how fast to learn, by short trials on a slice of the training images, without validation images."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from edgetl.keras import keras

import numpy as np

from edgetl.data.base import Images
from edgetl.data.calibration import sample
from edgetl.data.examples import AugmentedExamples
from edgetl.data.splits import SplitOptions, assign
from edgetl.errors import UsageError
from edgetl.float_record import Trial
from edgetl.training.blocks import blocks
from edgetl.training.finetune import FineTuneSettings, fine_tune
from edgetl.training.schedule import Schedule
from edgetl.training.train_head import HeadSettings, train_head
from edgetl.wording import counted

logger = logging.getLogger(__name__)

EPOCHS = 2  # of a trial: one is mostly warm-up
IMAGES = 1250  # of the training set that trials use: a trial then costs less than an epoch of 3000
_HELD_OUT = 0.2  # of these, to judge by
_FACTORS = (1 / 3, 3)  # of the learning rate, tried once the depth is found


def choose(
    model: keras.Model, examples: AugmentedExamples, head: HeadSettings | None, settings: FineTuneSettings, schedule: Schedule
) -> tuple[Trial, ...]:
    """Try depths at the given learning rate, then other rates at the best depth; returns the trials, the best first.

    The model is used up. The loss decides: on a slice of some hundred images it says more than the accuracy.

    Args:
        head: how the head is trained before the trials; None: not at all.
        schedule: of the training that the choice is for; its checkpoint's place is used.
    """
    schedule = replace(schedule, logs=None)
    splits = _slice(examples.images, settings.seed)
    images, larger = (replace(of, splits=splits) for of in (examples.images, examples.training_images))
    examples = replace(examples, images=images, read_larger=lambda: larger)
    train_images = len(images.rows("train"))
    if head is not None:
        train_head(model, examples, head, schedule)
    start = model.get_weights()
    short = replace(schedule, epochs=EPOCHS, steps_per_epoch=-(-train_images // settings.batch_size), patience=0)

    def attempt(what: str, rate: float) -> Trial:
        model.trainable = True
        model.set_weights(start)
        own = replace(short, name=f"trial {what} at {rate:.2g}", identity=f"{schedule.identity} {what} {rate}")
        history = fine_tune(model, examples, replace(settings, unfreeze=what, learning_rate=rate), own)
        own.checkpoint.unlink(missing_ok=True)
        best = min(history.epochs, key=lambda epoch: epoch.val_loss)
        return Trial(what, rate, best.val_loss, best.val_accuracy)

    trials = [attempt(what, settings.learning_rate) for what in _depths(len(blocks(model)))]
    depth = min(trials, key=lambda trial: trial.loss).unfreeze
    trials += [attempt(depth, settings.learning_rate * factor) for factor in _FACTORS]
    trials.sort(key=lambda trial: trial.loss)
    schedule.finish()
    best = trials[0]
    logger.info(f"unfreeze: {best.unfreeze} at a learning rate of {best.learning_rate:.2g}, the best of {counted(len(trials), 'trial')}")
    return tuple(trials)


def _depths(count: int) -> Sequence[str]:
    """Return the choices to try: the head, about a quarter and half of the blocks, and all."""
    some = sorted({round(count / 4), round(count / 2)} - {0, count})
    return ["head", *(f"{blocks}-block{'s' if blocks > 1 else ''}" for blocks in some), "all"]


def _slice(images: Images, seed: int) -> np.ndarray:
    """Return splits str [N] that divide a sample of the training images, duplicates together, and call all others test."""
    rows = images.rows("train")
    if len(rows) > IMAGES:
        rows = sample(images.label_ids, rows, IMAGES, seed)
    splits = np.full(len(images.splits), "test", "<U5")
    options = SplitOptions(val_fraction=_HELD_OUT, test_fraction=0.0, seed=seed)
    splits[rows] = assign([images.hashes[row] for row in rows], images.label_ids[rows], options)
    if "val" not in splits:
        raise UsageError(
            "trials cannot tell how much to fine-tune: no class has two different training images beside those that choose",
            "choose it yourself, with --unfreeze all or --unfreeze head",
        )
    return splits
