"""Class by class: equal to scikit-learn's figures, and to counting by hand."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from edgetl.evaluation.by_class import Bin, by_class, calibration_error, confusion, reliability


def test_figures_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 5, 300)
    answers = np.where(random.random(300) < 0.6, labels, random.integers(0, 6, 300))  # a sixth class is named and never there
    counts = confusion(answers, labels, 7)  # the seventh neither
    assert np.array_equal(counts, confusion_matrix(labels, answers, labels=range(7)))
    expected = precision_recall_fscore_support(labels, answers, labels=range(7), zero_division=0)
    found = by_class(counts)
    for values, name in zip(expected, ("precision", "recall", "f1", "pictures"), strict=True):
        assert [getattr(one, name) for one in found] == pytest.approx(list(values))


def test_the_calibration_error_is_the_mean_gap() -> None:
    probabilities = np.array([[0.95, 0.05], [0.92, 0.08], [0.35, 0.65], [0.0, 1.0]])
    bins = reliability(probabilities, np.array([0, 1, 1, 1]))
    assert [one.pictures for one in bins] == [1, 3]
    assert bins[0] == Bin(1, pytest.approx(0.65), 1.0)
    assert calibration_error(bins) == pytest.approx((0.35 + 3 * abs(2.87 / 3 - 2 / 3)) / 4)
