"""How much to unfreeze and how fast to learn, by short trials on a slice of the training images; validation images see none of it."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from edgetl.data.base import Images
from edgetl.data.calibration import sample
from edgetl.data.splits import assign
from edgetl.run_record import Trial
from edgetl.training.epochs import Schedule
from edgetl.training.finetune import FineTuneSettings, Material, fine_tune
from edgetl.training.head import HeadSettings, train_head
from edgetl.training.unfreeze import blocks

logger = logging.getLogger(__name__)

EPOCHS = 2  # of a trial: one is mostly warm-up
IMAGES = 1250  # of the training set that trials use: a trial then costs less than an epoch of 3000
_HELD_OUT = 0.2  # of these, to judge by
_FACTORS = (1 / 3, 3)  # of the learning rate, tried once the depth is found


def choose(
    model: Any,
    material: Material,
    head: HeadSettings | None,
    settings: FineTuneSettings,
    schedule: Schedule,
) -> list[Trial]:
    """Trials with the best one first: depths at the given learning rate, then other rates at the best depth. The model is used up.

    The loss judges: on a slice of some hundred images it tells more than the accuracy.

    Args:
        head: how the head is trained before each; None: not.
        schedule: of the training that the choice is for; its checkpoint's place is used.
    """
    splits = _slice(material.images, settings.seed)
    images, larger = (replace(of, splits=splits) for of in (material.images, material.training_images))
    material = replace(material, images=images, training_images=larger)
    steps = -(-len(images.rows("train")) // settings.batch_size)
    if head is not None:
        train_head(model, images, material.contract, material.weights, head)
    start = model.get_weights()

    def attempt(what: str, rate: float) -> Trial:
        model.trainable = True
        model.set_weights(start)
        own = Schedule(EPOCHS, steps, EPOCHS, schedule.checkpoint, f"{schedule.identity} {what} {rate}")
        tried = replace(settings, unfreeze=what, learning_rate=rate)
        history = fine_tune(model, material, tried, own, f"trial {what} at {rate:.2g}")
        own.checkpoint.unlink(missing_ok=True)
        best = min(history.entries, key=lambda entry: entry["val_loss"])
        return Trial(what, rate, best["val_loss"], best["val_accuracy"])

    trials = [attempt(what, settings.learning_rate) for what in _depths(len(blocks(model)))]
    deep = min(trials, key=lambda trial: trial.loss).unfreeze
    trials += [attempt(deep, settings.learning_rate * factor) for factor in _FACTORS]
    trials.sort(key=lambda trial: trial.loss)
    logger.info(f"unfreeze: {trials[0].unfreeze} at a learning rate of {trials[0].learning_rate:.2g}, the best of {len(trials)} trials")
    return trials


def _depths(count: int) -> Sequence[str]:
    """The head, about a quarter and half of the blocks, and all."""
    some = sorted({round(count / 4), round(count / 2)} - {0, count})
    return ["head", *(f"{blocks}-block{'s' if blocks > 1 else ''}" for blocks in some), "all"]


def _slice(images: Images, seed: int) -> np.ndarray:
    """Splits str [N] that divide a sample of the training images, duplicates together, and call all others test."""
    rows = images.rows("train")
    if len(rows) > IMAGES:
        rows = sample(images.label_ids, rows, IMAGES, seed)
    splits = np.full(len(images.splits), "test", "<U5")
    splits[rows] = assign([images.hashes[row] for row in rows], images.label_ids[rows].tolist(), _HELD_OUT, 0.0, seed)
    return splits
