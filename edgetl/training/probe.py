"""Train the last layer alone, many times: a softmax layer on features that were computed once, for the learning curve and
cross-validation.

It is the head of a training's first stage, dropout, label smoothing and class weights included, so that its accuracies are those of that
stage. scikit-learn's estimators were measured in its place, by top-1 on the validation images after training on 1/16, 1/4 and all of the
training images, means over 3 to 5 seeds (seconds of the largest fit, one thread):

                                                 digits, MobileNetV1 0.25 at 64 px   flowers, MobileNetV2 0.35 at 128 px
    this                                         77.9  87.5  89.2 % (0.2 s)          76.6  82.2  84.6 % (7 s)
    LogisticRegression(C=0.3)                    76.2  85.9  89.8 % (0.6 s)          77.9  82.7  84.4 % (8 s)
    the same on scaled features, C=30/n          70.1  83.7  89.2 % (0.1 s)          77.5  82.5  84.7 % (1.4 s)
    MLPClassifier((), solver="adam")             75.0  85.7  88.7 % (0.6 s)          77.7  82.4  84.5 % (2.7 s)
    LinearDiscriminantAnalysis(shrinkage="auto") 75.9  84.4  86.8 % (0.1 s)          77.2  82.2  84.2 % (6 s)

None serves both: with few images of what a backbone has never seen, each is 1.6 points or more behind, and a learning curve would be too
steep by that.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from edgetl.data.examples import class_weights
from edgetl.errors import UsageError
from edgetl.progress import progress

_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-7  # Adam's, as Keras has them

Features = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class ProbeSettings:
    """The same as in a training's first stage, but no epoch is chosen by its accuracy: the rate falls to 0 instead (half a cosine).

    Args:
        steps: of `batch_size` images each, drawn with replacement; the same for any number of images.
        balance_above: see `class_weights`.
    """

    classes: int
    steps: int
    learning_rate: float
    batch_size: int
    dropout: float
    label_smoothing: float
    balance_above: float


@dataclass(frozen=True)
class Probe:
    """A trained layer: kernel float32 [C, K] and bias float32 [K]."""

    kernel: Features
    bias: Features

    def probabilities(self, features: Features) -> Features:
        """Return the class probabilities float32 [N, K] of features [N, C]."""
        return _softmax(features @ self.kernel + self.bias)


@threadpool_limits.wrap(limits=1)  # no faster on two, its products being small, and four times as slow where others work beside it
def train_probe(features: Features, label_ids: NDArray[np.integer], settings: ProbeSettings, seed: int) -> Probe:
    """Minimize the smoothed cross-entropy with Adam, starting at zeros.

    Args:
        features: float32 [V, M, C]: V views of the same M images (as they are, mirrored).
        label_ids: int [M] in 0..K-1.
    """
    views, count, channels = features.shape
    random, classes = np.random.default_rng(seed), settings.classes
    weights = class_weights(label_ids, classes, settings.balance_above)[label_ids]
    goals = (np.eye(classes) * (1 - settings.label_smoothing) + settings.label_smoothing / classes).astype(np.float32)[label_ids]
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


def folds(label_ids: NDArray[np.integer], hashes: Sequence[str], count: int, seed: int) -> NDArray[np.int64]:
    """Return the fold of each image, int64 [M], of `count` folds: each class evenly over them, images of the same content together."""
    contents, first, which = np.unique(np.asarray(hashes), return_index=True, return_inverse=True)
    largest = int(np.bincount(label_ids[first]).max())
    if count > largest:
        raise UsageError(f"no class has {count} different images to make {count} folds of", f"at most: --cv {largest}")
    fold_of = np.empty(len(contents), np.int64)
    splitter = StratifiedKFold(count, shuffle=True, random_state=seed)
    for number, (_, held_out) in enumerate(splitter.split(contents, label_ids[first])):
        fold_of[held_out] = number
    return fold_of[which]


def out_of_fold(
    features: Features, label_ids: NDArray[np.integer], fold_of: NDArray[np.int64], settings: ProbeSettings, seed: int
) -> Features:
    """Return the probabilities float32 [M, K] of each image by a head that was trained on the other folds.

    Args:
        features: float32 [V, M, C], see `train_probe`; the first view is predicted.
    """
    predictions = np.empty((len(label_ids), settings.classes), np.float32)
    with progress("cross-validation", int(fold_of.max()) + 1) as tick:
        for fold in range(int(fold_of.max()) + 1):
            there = fold_of == fold
            probe = train_probe(features[:, ~there], label_ids[~there], settings, seed + fold)
            predictions[there] = probe.probabilities(features[0, there])
            tick()
    return predictions


def _softmax(logits: Features) -> Features:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    normalized: Features = raised / raised.sum(axis=1, keepdims=True)
    return normalized
