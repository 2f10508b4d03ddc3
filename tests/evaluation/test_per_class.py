"""Per-class metrics equal scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from edgetl.evaluation.per_class import confusion, per_class_metrics


def test_figures_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 5, 300)
    predictions = np.where(random.random(300) < 0.6, labels, random.integers(0, 6, 300))  # a sixth class is predicted and never there
    counts = confusion(predictions, labels, 7)  # the seventh neither
    assert np.array_equal(counts, confusion_matrix(labels, predictions, labels=range(7)))
    expected = precision_recall_fscore_support(labels, predictions, labels=range(7), zero_division=0)
    found = per_class_metrics(counts)
    for values, name in zip(expected, ("precision", "recall", "f1", "images"), strict=True):
        assert [getattr(one, name) for one in found] == pytest.approx(list(values))
