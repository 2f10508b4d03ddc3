"""Stage 1: the new last layer alone, on features that the frozen backbone computes once."""

from dataclasses import dataclass
from typing import Any

from edgetl.keras import keras, layers

import numpy as np

from edgetl.console import progress
from edgetl.contract import InputContract
from edgetl.data.base import Pictures
from edgetl.training.epochs import History
from edgetl.training.scoring import scorer


@dataclass(frozen=True)
class HeadSettings:
    """Adam's learning_rate; batch_size pictures a step; dropout before the logits; mirror: learn from mirrored pictures too."""

    epochs: int
    learning_rate: float
    batch_size: int
    dropout: float
    label_smoothing: float
    mirror: bool


def attach_head(backbone: Any, classes: int) -> Any:
    """Global average pooling and `classes` logits on top of a backbone: normalized float32 [N, H, W, 3] to float32 [N, K]."""
    pooled = layers.GlobalAveragePooling2D(name="pool")(backbone.output)
    return keras.Model(backbone.input, layers.Dense(classes, name="logits")(pooled), name=backbone.name)


def trunk_of(model: Any) -> Any:
    """The classifier up to its pooled features [N, C]."""
    return keras.Model(model.input, model.get_layer("pool").output)


def train_head(model: Any, pictures: Pictures, contract: InputContract, class_weights: np.ndarray, settings: HeadSettings) -> History:
    """Train the logits layer in place, keeping the best epoch.

    Args:
        class_weights: float32 [K], mean 1 over the pictures.
    """
    train, val, trunk = pictures.rows("train"), pictures.rows("val"), trunk_of(model)
    ways = (False, True) if settings.mirror else (False,)
    features = np.concatenate([scorer(trunk, contract, mirrored)(pictures.pixels, train, "features") for mirrored in ways])
    val_features = scorer(trunk, contract)(pictures.pixels, val)
    labels = np.tile(pictures.labels[train], len(ways))

    head = keras.Sequential([layers.Input(features.shape[1:]), layers.Dropout(settings.dropout), layers.Dense(len(contract.labels))])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=settings.label_smoothing)
    head.compile(keras.optimizers.Adam(settings.learning_rate), loss, metrics=["accuracy"])
    one_hot = np.eye(len(contract.labels), dtype=np.float32)
    with progress("head", settings.epochs) as tick:
        seen = keras.callbacks.LambdaCallback(on_epoch_end=lambda _, logs: tick(1, f"validation accuracy {logs['val_accuracy']:.4f}"))
        best = keras.callbacks.EarlyStopping("val_accuracy", patience=settings.epochs, restore_best_weights=True)
        history = head.fit(
            features,
            one_hot[labels],
            sample_weight=class_weights[labels],
            validation_data=(val_features, one_hot[pictures.labels[val]]),
            batch_size=4 * settings.batch_size,  # a dense layer alone: larger batches, fewer of them
            epochs=settings.epochs,
            callbacks=[seen, best],
            verbose=0,
        )
    best_accuracy = max(history.history["val_accuracy"])
    # Keras restores the best weights only when it stops early; patience equals the epochs, so it never does by itself.
    if history.history["val_accuracy"][-1] < best_accuracy:
        head.set_weights(best.best_weights)
    model.get_layer("logits").set_weights(head.layers[-1].get_weights())
    entries = [dict(zip(history.history, map(float, values), strict=True)) for values in zip(*history.history.values(), strict=True)]
    return History(entries, history.history["val_accuracy"].index(best_accuracy))
