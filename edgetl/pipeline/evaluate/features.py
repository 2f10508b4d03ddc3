"""Pooled features of a run's images from the backbone that its training starts from, computed once."""

import numpy as np
from numpy.typing import NDArray

from edgetl.data.stored import read_array, write_array
from edgetl.files import fingerprint
from edgetl.pipeline.project import Project
from edgetl.pipeline.settings import HEAD_BATCHES, mirrors
from edgetl.pipeline.train.start import starting_model, starting_weights
from edgetl.training.head import trunk_of
from edgetl.training.probe import ProbeSettings
from edgetl.training.scoring import scorer

_VERSION = 1  # raise it when the same images give other features


def starting_features(project: Project) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return features float32 [V, M, C] of the training and validation images, and their M rows; keep them in the run's cache.

    They are those of the backbone before fine-tuning: afterwards it has seen these images, also those that are held out from the head.
    The V views are the images as they are and, when training mirrors them, mirrored.
    """
    images = project.data.images
    rows = np.flatnonzero(images.splits != "test").astype(np.int64)
    ways = (False, True) if mirrors(project.recipe) else (False,)
    # The order counts: the fingerprint of the data has none.
    order = fingerprint([images.hashes[row] for row in rows])
    key = fingerprint(
        _VERSION, order, starting_weights(project), project.recipe.model.model_dump(exclude={"weights", "dense", "dropout", "l2"}), ways
    )
    path = project.run.cache / f"features-{key}.npy"
    features = read_array(path)
    if features is None:
        trunk = trunk_of(starting_model(project))
        views = [scorer(trunk, project.contract, mirrored=mirrored)(images.pixels, rows, "features") for mirrored in ways]
        features = np.stack(views)
        write_array(path, features)
    return features, rows


def probe_settings(project: Project, images: int) -> ProbeSettings:
    """Return the recipe's head as a probe that trains for as many steps as the head's epochs over `images` training images."""
    train, views = project.recipe.train, 2 if mirrors(project.recipe) else 1
    batch_size = HEAD_BATCHES * train.batch_size
    return ProbeSettings(
        classes=len(project.contract.class_names),
        steps=max(train.head_epochs, 1) * -(-images * views // batch_size),
        learning_rate=train.head_learning_rate,
        batch_size=batch_size,
        dropout=project.recipe.model.dropout,
        label_smoothing=train.label_smoothing,
        balance_above=train.balance_above,
    )
