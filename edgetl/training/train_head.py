"""Stage 1 of a training: the head alone, on features that the frozen backbone computes once."""

import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgetl.keras import keras, tf

import numpy as np

from edgetl.data.base import Images
from edgetl.data.examples import Examples
from edgetl.data.stored import StoredRows, write_header
from edgetl.progress import progress
from edgetl.training.head import decay, dense_layers, trunk_of
from edgetl.training.history import History
from edgetl.training.objective import objective_of
from edgetl.training.schedule import Schedule, WarmupCosine
from edgetl.training.scoring import scorer
from edgetl.training.step import Loss, Optimizer, Step
from edgetl.training.trainer import Trainer

_MEMORY_BYTES = 2**28  # features of more are written to a file: 26,000 images and as many mirrored ones, of 1280 channels
_PIECE = 4096  # images whose features are computed and written at a time


@dataclass(frozen=True, kw_only=True)
class HeadSettings:
    """Options of training the head.

    Args:
        batch_size: images a step.
        learning_rate: Adam's, at the start.
        dropout: before the logits.
        mirror: learn from the mirrored images too.
        l2: of the kernels, see `decay`.
    """

    epochs: int
    learning_rate: float
    batch_size: int
    dropout: float
    label_smoothing: float
    mirror: bool
    seed: int
    l2: float = 0.0


def train_head(model: Any, examples: Examples, settings: HeadSettings, schedule: Schedule) -> History:
    """Train the classifier's head in place, all epochs; its learning rate falls to 0 along half a cosine.

    Args:
        schedule: of the training that this is the first part of.
    """
    images, trunk = examples.images, trunk_of(model)
    train, val = images.rows("train"), images.rows("val")
    layers = dense_layers(model)
    variables = [variable for layer in layers for variable in layer.variables]
    scorers = [scorer(trunk, examples.contract, mirrored=mirrored) for mirrored in ((False, True) if settings.mirror else (False,))]
    val_features = tf.constant(scorers[0](images.pixels, val))
    label_ids = np.concatenate([images.label_ids[train]] * len(scorers))
    objective = objective_of(examples.contract.output)
    steps = -(-len(label_ids) // settings.batch_size)
    own = replace(schedule.part("head"), epochs=settings.epochs, steps_per_epoch=steps, patience=0)
    optimizer = keras.optimizers.Adam(WarmupCosine(settings.learning_rate, settings.epochs * steps, 1))
    optimizer.build(variables)
    with tempfile.TemporaryDirectory() as folder:
        features = _features(scorers, images, trunk.output_shape[1:], Path(folder))
        return Trainer(
            variables=variables,
            step=Step(
                loss=_loss(model, examples, settings),
                optimizers=[Optimizer(keras=optimizer, variables=variables)],
                objective=objective,
            ),
            batches=lambda epoch, _: _Epoch(features, label_ids, settings, epoch),
            judges=len(val),
            validate=lambda: objective.judge(_logits(layers, val_features).numpy(), images.label_ids[val]),
            schedule=own,
            epoch_log_level=logging.DEBUG,
        ).train()


def _logits(layers: list[Any], features: Any, drop_out: Callable[[Any], Any] = lambda features: features) -> Any:
    """Apply the head's own layers to pooled features [N, ...]."""
    *hidden, logits = layers
    for layer in hidden:
        features = tf.nn.relu(layer(features))
    return logits(drop_out(features))


def _loss(model: Any, examples: Examples, settings: HeadSettings) -> Loss:
    layers, weights = dense_layers(model), tf.constant(examples.class_weights)
    objective = objective_of(examples.contract.output)

    def loss(features: Any, label_ids: Any, seed: Any) -> tuple[Any, Any]:
        logits = _logits(layers, features, lambda last: tf.nn.experimental.stateless_dropout(last, settings.dropout, seed))
        value = objective.loss(label_ids, logits, weights, settings.label_smoothing)
        return value + decay(model, settings.l2) if settings.l2 else value, logits

    return loss


@dataclass(frozen=True, eq=False)
class _Epoch:
    """An epoch of features in random order, as the step takes batches; to make a tf.data.Dataset each time takes longer than the steps.

    Args:
        features: float32 [N, ...] in memory or in a file.
        label_ids: int32 [N], or [N, K].
    """

    features: Any
    label_ids: np.ndarray
    settings: HeadSettings
    number: int

    @property
    def element_spec(self) -> tuple[Any, ...]:
        features = tf.TensorSpec((None, *self.features.shape[1:]), tf.float32)
        label_ids = tf.TensorSpec((None, *self.label_ids.shape[1:]), tf.int32)
        return features, label_ids, tf.TensorSpec((2,), tf.int32), tf.TensorSpec((), tf.float32)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        seed, size = self.settings.seed, self.settings.batch_size
        order = np.random.default_rng([seed, self.number]).permutation(len(self.label_ids))
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            values = self.features[rows], self.label_ids[rows], np.array([seed + self.number * 7919, start], np.int32), np.float32(1)
            yield tuple(map(tf.constant, values))


def _features(scorers: Sequence[Callable[..., np.ndarray]], images: Images, one: tuple[int, ...], folder: Path) -> Any:
    """Compute the training images' pooled features float32 [N for each scorer, C], into memory or, where they are many, into a file.

    Args:
        one: the shape of an image's features.
    """
    pixels, rows = images.pixels, images.rows("train")
    shape = len(scorers) * len(rows), *one
    if np.prod(shape) * 4 <= _MEMORY_BYTES:
        return np.concatenate([score(pixels, rows, "features") for score in scorers])
    with (folder / "features.npy").open("wb") as file, progress("features", shape[0]) as tick:
        write_header(file, shape, "float32")
        for score in scorers:
            for start in range(0, len(rows), _PIECE):
                some = score(pixels, rows[start : start + _PIECE])
                file.write(some.tobytes())
                tick(len(some))
    return StoredRows(folder / "features.npy")
