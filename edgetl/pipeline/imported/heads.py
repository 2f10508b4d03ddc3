"""Measure how a network is fed whose classifier is of no use: by heads on its features, each trained on some images for the others."""

import numpy as np
from numpy.typing import NDArray

from edgetl.importing.base import ImportedModel
from edgetl.pipeline.imported.search import Feeding
from edgetl.pipeline.imported.tryout import Fed
from edgetl.training.probe import ProbeSettings, train_probe

_FOLDS = 4
_STEPS = 300  # after which a head on standardized features of some hundred images has learned them


class Heads:
    """Computes logits for any candidate, of heads that were trained on other images.

    Args:
        imported: the network up to its features.
        pixels: uint8 [N, H, W, C], in random order.
        label_ids: int64 [N].
    """

    def __init__(self, imported: ImportedModel, pixels: NDArray[np.uint8], label_ids: NDArray[np.int64], classes: int) -> None:
        self._fed, self._pixels, self.label_ids = Fed(imported), pixels, label_ids
        self._settings = ProbeSettings(
            classes=classes, steps=_STEPS, learning_rate=2e-3, batch_size=64, dropout=0.5, label_smoothing=0.1, balance_above=1.5
        )

    def __call__(self, candidate: Feeding, part: slice) -> NDArray[np.float32]:
        """float32 [n, K] of that part of the images."""
        features = self._fed(candidate.convention, self._pixels[part])
        features = features.mean(axis=tuple(range(1, features.ndim - 1)))
        features = (features - features.mean(axis=0)) / np.maximum(features.std(axis=0), 1e-6)
        label_ids, fold_of = self.label_ids[part], np.arange(len(features)) % _FOLDS
        logits = np.empty((len(features), self._settings.classes), np.float32)
        for fold in range(_FOLDS):
            there = fold_of == fold
            with np.errstate(divide="ignore"):  # the weight of a class that is not among these images
                head = train_probe(features[None, ~there], label_ids[~there], self._settings, seed=0)
            logits[there] = features[there] @ head.kernel + head.bias
        return logits
