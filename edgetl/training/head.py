"""What stands on a backbone, and stage 1: that alone, on features that the frozen backbone computes once."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgetl.keras import keras, layers, tf

import numpy as np

from edgetl.contract import Contract
from edgetl.data.base import Images
from edgetl.data.batches import streamed
from edgetl.data.stored import StoredRows, write_header
from edgetl.progress import progress
from edgetl.training.epochs import History
from edgetl.training.scoring import scorer


@dataclass(frozen=True)
class Head:
    """The layers on a backbone.

    Args:
        pooling: what becomes of its feature map: "average" or "max" of each channel, or "flatten", which keeps the places.
        dense: widths of the hidden layers, each with a ReLU, before the logits.
    """

    pooling: str = "average"
    dense: tuple[int, ...] = ()


@dataclass(frozen=True)
class HeadSettings:
    """Adam's learning_rate; batch_size images a step; dropout before the logits; mirror: from mirrored images too; l2: see `decay`."""

    epochs: int
    learning_rate: float
    batch_size: int
    dropout: float
    label_smoothing: float
    mirror: bool
    l2: float = 0.0


PLAIN = Head()
_MEMORY_BYTES = 2**28  # features of more are written to a file: 26,000 images and as many mirrored ones, of 1280 channels
_PIECE = 4096  # images that are written at a time


def attach_head(backbone: Any, classes: int, head: Head = PLAIN) -> Any:
    """A head with `classes` logits on top of a backbone: normalized float32 [N, H, W, 3] to float32 [N, K]."""
    x = _pooled(backbone.output, head.pooling)
    for number, width in enumerate(head.dense, 1):
        x = layers.ReLU(name=f"dense_{number}_relu")(layers.Dense(width, name=f"dense_{number}")(x))
    return keras.Model(backbone.input, layers.Dense(classes, name="logits")(x), name=backbone.name)


def _pooled(features: Any, pooling: str) -> Any:
    if pooling == "max":  # in a layer that has integer kernels everywhere, which a maximum over axes has not
        features = layers.MaxPooling2D(features.shape[1:3], name="pool_max")(features)
    # Of one place the mean is the place itself, and flattening it would be lost: the TFLite converter leaves that to the dense layer
    # behind, whose bias tf2onnx 1.17 then drops.
    if pooling == "average" or tuple(features.shape[1:3]) == (1, 1):
        return layers.GlobalAveragePooling2D(name="pool")(features)
    return layers.Flatten(name="pool")(features)


def trunk_of(model: Any) -> Any:
    """The classifier up to its pooled features [N, C]."""
    return keras.Model(model.input, model.get_layer("pool").output)


def decay(model: Any, l2: float) -> Any:
    """`l2` times the sum of the squares of the head's kernels: a part of the loss that keeps them small."""
    return l2 * sum(tf.reduce_sum(tf.square(layer.kernel)) for layer in dense_layers(model))


def dense_layers(model: Any) -> list[Any]:
    """The head's layers with weights, in order, the logits last; no backbone has dense ones."""
    return [layer for layer in model.layers if isinstance(layer, layers.Dense)]


def train_head(model: Any, images: Images, contract: Contract, class_weights: np.ndarray, settings: HeadSettings) -> History:
    """Train the head in place, keeping the best epoch.

    Args:
        class_weights: float32 [K], mean 1 over the images.
    """
    train, val, trunk = images.rows("train"), images.rows("val"), trunk_of(model)
    ways = (False, True) if settings.mirror else (False,)
    val_features = scorer(trunk, contract)(images.pixels, val)
    labels = np.tile(images.label_ids[train], len(ways))
    head = _alone(model, val_features.shape[1:], settings)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=settings.label_smoothing)
    head.compile(keras.optimizers.Adam(settings.learning_rate), loss, metrics=["accuracy"])
    one_hot = np.eye(len(contract.class_names), dtype=np.float32)
    with ExitStack() as open_:
        folder = Path(open_.enter_context(tempfile.TemporaryDirectory()))
        features = _features(trunk, images, contract, train, ways, folder)
        tick = open_.enter_context(progress("head", settings.epochs))
        seen = keras.callbacks.LambdaCallback(on_epoch_end=lambda _, logs: tick(1, f"validation accuracy {logs['val_accuracy']:.4f}"))
        best = keras.callbacks.EarlyStopping("val_accuracy", patience=settings.epochs, restore_best_weights=True)
        batch_size = 4 * settings.batch_size  # dense layers alone: larger batches, fewer of them
        whole = features, one_hot[labels], class_weights[labels]
        history = head.fit(
            **_batches(whole, batch_size) if isinstance(features, StoredRows) else _arrays(whole, batch_size),
            validation_data=(val_features, one_hot[images.label_ids[val]]),
            epochs=settings.epochs,
            callbacks=[seen, best],
            verbose=0,
        )
    best_accuracy = max(history.history["val_accuracy"])
    # Keras restores the best weights only when it stops early; patience equals the epochs, so it never does by itself.
    if history.history["val_accuracy"][-1] < best_accuracy:
        head.set_weights(best.best_weights)
    for layer, trained in zip(dense_layers(model), dense_layers(head), strict=True):
        layer.set_weights(trained.get_weights())
    entries = [dict(zip(history.history, map(float, values), strict=True)) for values in zip(*history.history.values(), strict=True)]
    return History(entries, history.history["val_accuracy"].index(best_accuracy))


def _features(trunk: Any, images: Images, contract: Contract, rows: np.ndarray, ways: tuple[bool, ...], folder: Path) -> Any:
    """Pooled features float32 [len(ways) * len(rows), C], in memory or, where they are many, in a file."""
    shape = len(ways) * len(rows), *trunk.output_shape[1:]
    if np.prod(shape) * 4 <= _MEMORY_BYTES:
        return np.concatenate([scorer(trunk, contract, mirrored)(images.pixels, rows, "features") for mirrored in ways])
    with (folder / "features.npy").open("wb") as file, progress("features", shape[0]) as tick:
        write_header(file, shape, "float32")
        for mirrored in ways:
            score = scorer(trunk, contract, mirrored)
            for start in range(0, len(rows), _PIECE):
                some = score(images.pixels, rows[start : start + _PIECE])
                file.write(some.tobytes())
                tick(len(some))
    return StoredRows(folder / "features.npy")


def _arrays(whole: tuple[Any, ...], batch_size: int) -> dict[str, Any]:
    return {"x": whole[0], "y": whole[1], "sample_weight": whole[2], "batch_size": batch_size}


def _batches(whole: tuple[Any, ...], batch_size: int) -> dict[str, Any]:
    """The same, read from the file batch by batch, in another order each epoch."""
    random = np.random.default_rng(0)
    stored, *others = whole
    signature = tuple(tf.TensorSpec((None, *part.shape[1:]), tf.float32) for part in whole)

    def batches(features: StoredRows) -> Iterator[tuple[Any, ...]]:
        order = random.permutation(len(features))
        for start in range(0, len(order), batch_size):
            yield tuple(part[order[start : start + batch_size]] for part in (features, *others))

    return {"x": streamed(stored, batches, signature)}


def _alone(model: Any, shape: tuple[int, ...], settings: HeadSettings) -> Any:
    """A model from pooled features to logits, of the same layers as the classifier's head, with random weights."""
    *hidden, logits = [layer.units for layer in dense_layers(model)]
    head = keras.Sequential([layers.Input(shape)])
    regularizer = keras.regularizers.L2(settings.l2) if settings.l2 else None
    for width in hidden:
        head.add(layers.Dense(width, "relu", kernel_regularizer=regularizer))
    head.add(layers.Dropout(settings.dropout))
    head.add(layers.Dense(logits, kernel_regularizer=regularizer))
    return head
