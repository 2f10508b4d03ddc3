"""The head trained many times: it learns, repeats, and cross-validates without a leak."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score

from edgetl.errors import UsageError
from edgetl.training.probe import ProbeSettings, folds, out_of_fold, train_probe

SETTINGS = ProbeSettings(classes=3, steps=300, learning_rate=0.02, batch_size=32, dropout=0.0, label_smoothing=0.0, balance_above=1.5)


def clouds(count: int, seed: int = 0, apart: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    centres = np.random.default_rng(7).normal(size=(3, 8)) * apart
    return (centres[labels] + random.normal(size=(count, 8))).astype(np.float32)[None], labels


def test_it_is_as_good_as_logistic_regression_and_repeats() -> None:
    features, labels = clouds(300)
    others, truth = clouds(900, seed=1)
    probe = train_probe(features, labels, SETTINGS, seed=0)
    probabilities = probe.probabilities(others[0])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    reference = LogisticRegression().fit(features[0], labels).score(others[0], truth)
    assert accuracy_score(truth, probabilities.argmax(axis=1)) >= reference - 0.01
    again = train_probe(features, labels, SETTINGS, seed=0)
    np.testing.assert_array_equal(again.kernel, probe.kernel)
    assert (train_probe(features, labels, SETTINGS, seed=1).kernel != probe.kernel).any()


def test_all_views_are_learned_from() -> None:
    features, labels = clouds(90)
    views = np.concatenate([features, -features])
    probe = train_probe(views, labels, SETTINGS, seed=0)
    assert np.abs(probe.kernel).max() < np.abs(train_probe(features, labels, SETTINGS, seed=0).kernel).max() / 2


def test_folds_are_even_and_keep_a_content_together() -> None:
    labels = np.repeat([0, 1, 2], [50, 30, 11])
    hashes = [f"h{row if row % 10 else row // 20}" for row in range(91)]  # some contents occur twice
    fold_of = folds(labels, hashes, 5, seed=0)
    assert set(fold_of) == set(range(5))
    for content in set(hashes):
        assert len({int(fold) for fold, own in zip(fold_of, hashes, strict=True) if own == content}) == 1
    for label in range(3):
        sizes = np.bincount(fold_of[labels == label], minlength=5)
        assert sizes.max() - sizes.min() <= 3
    np.testing.assert_array_equal(fold_of, folds(labels, hashes, 5, seed=0))


def test_a_class_smaller_than_the_folds_is_spread_and_too_many_folds_are_a_message() -> None:
    labels = np.array([0] * 20 + [1, 1])
    fold_of = folds(labels, [str(row) for row in range(22)], 5, seed=0)
    assert fold_of[20] != fold_of[21], "one of them trains while the other is held out"
    with pytest.raises(UsageError, match="at most: --cv 20"):
        folds(labels, [str(row) for row in range(22)], 21, seed=0)


def test_a_held_out_image_is_not_seen() -> None:
    """Labels without any relation to the features: whoever does better than chance has peeked."""
    random = np.random.default_rng(0)
    features = random.normal(size=(1, 300, 200)).astype(np.float32)
    labels = random.integers(0, 2, 300)
    fold_of = folds(labels, [str(row) for row in range(300)], 5, seed=0)
    predictions = out_of_fold(features, labels, fold_of, replace(SETTINGS, classes=2), seed=0)
    assert abs(accuracy_score(labels, predictions.argmax(axis=1)) - 0.5) < 0.12
