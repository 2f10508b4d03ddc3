"""The last layer alone, again and again: a softmax layer on features that were computed once, for what takes many trainings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from edgetl.progress import progress
from edgetl.errors import UsageError
from edgetl.training.finetune import class_weights

_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-7  # Adam's, as Keras has them

Features = NDArray[np.float32]


@dataclass(frozen=True)
class ProbeSettings:
    """As training's first stage, but no epoch is picked by its accuracy: the rate falls to 0 instead (half a cosine).

    Args:
        steps: of `batch_size` images each, drawn with replacement; the same for any number of images.
        balance_above: see `class_weights`.
    """

    steps: int
    learning_rate: float
    batch_size: int
    dropout: float
    label_smoothing: float
    balance_above: float


@dataclass(frozen=True)
class Probe:
    """Kernel float32 [C, K] and bias float32 [K]."""

    kernel: Features
    bias: Features

    def probabilities(self, features: Features) -> Features:
        """float32 [N, K]."""
        return _softmax(features @ self.kernel + self.bias)


@threadpool_limits.wrap(limits=1)  # no faster on two, its products being small, and four times as slow where others work beside it
def fit_probe(features: Features, labels: NDArray[Any], classes: int, settings: ProbeSettings, seed: int) -> Probe:
    """Adam on the smoothed cross-entropy from zeros.

    Args:
        features: float32 [V, M, C]: V views of the same M images (as they are, mirrored).
        labels: int [M] in 0..K-1.
    """
    views, count, channels = features.shape
    random = np.random.default_rng(seed)
    weights = class_weights(labels, classes, settings.balance_above)[labels]
    goals = (np.eye(classes) * (1 - settings.label_smoothing) + settings.label_smoothing / classes).astype(np.float32)[labels]
    values = np.zeros((channels + 1, classes), np.float32)  # the bias is the last row
    first, second = np.zeros_like(values), np.zeros_like(values)
    kept, batch = 1 - settings.dropout, np.ones((settings.batch_size, channels + 1), np.float32)
    for step in range(1, settings.steps + 1):
        rows = random.integers(0, count, settings.batch_size)
        batch[:, :-1] = features[random.integers(0, views, settings.batch_size), rows]
        if settings.dropout:
            batch[:, :-1] *= (random.random((settings.batch_size, channels), np.float32) < kept) / np.float32(kept)
        error = (_softmax(batch @ values) - goals[rows]) * (weights[rows, None] / settings.batch_size)
        slope = batch.T @ error
        first += (1 - _BETA_1) * (slope - first)
        second += (1 - _BETA_2) * (slope * slope - second)
        rate = settings.learning_rate * 0.5 * (1 + np.cos(np.pi * step / settings.steps))
        rate *= np.sqrt(1 - _BETA_2**step) / (1 - _BETA_1**step)
        values -= np.float32(rate) * first / (np.sqrt(second) + _EPSILON)
    return Probe(values[:-1], values[-1])


def folds(labels: NDArray[Any], hashes: Sequence[str], count: int, seed: int) -> NDArray[np.int64]:
    """Which of `count` folds each image is in, int64 [M]: every class evenly over them, images of the same content together."""
    contents, first, which = np.unique(np.asarray(hashes), return_index=True, return_inverse=True)
    largest = int(np.bincount(labels[first]).max())
    if count > largest:
        raise UsageError(f"no class has {count} different images to make {count} folds of", f"at most: --cv {largest}")
    fold_of = np.empty(len(contents), np.int64)
    splitter = StratifiedKFold(count, shuffle=True, random_state=seed)
    for number, (_, held_out) in enumerate(splitter.split(contents, labels[first])):
        fold_of[held_out] = number
    return fold_of[which]


def out_of_fold(
    features: Features, labels: NDArray[Any], fold_of: NDArray[np.int64], classes: int, settings: ProbeSettings, seed: int
) -> Features:
    """Probabilities float32 [M, K] of each image by a head that was trained on the other folds.

    Args:
        features: float32 [V, M, C], see `fit_probe`; the first view is answered.
    """
    predictions = np.empty((len(labels), classes), np.float32)
    with progress("cross-validation", int(fold_of.max()) + 1) as tick:
        for fold in range(int(fold_of.max()) + 1):
            there = fold_of == fold
            probe = fit_probe(features[:, ~there], labels[~there], classes, settings, seed + fold)
            predictions[there] = probe.probabilities(features[0, there])
            tick()
    return predictions


def _softmax(logits: Features) -> Features:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    normalized: Features = raised / raised.sum(axis=1, keepdims=True)
    return normalized
