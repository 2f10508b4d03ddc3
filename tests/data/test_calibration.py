"""Samples are even over the classes, seeded, and part of larger ones."""

import numpy as np
import pytest

from edgetl.data.calibration import sample

LABELS = np.repeat(np.arange(3, dtype=np.int32), [100, 10, 2])
ROWS = np.arange(112, dtype=np.int64)


def counts(rows):
    return np.bincount(LABELS[rows], minlength=3).tolist()


@pytest.mark.parametrize(
    ("count", "expected"),
    [(6, [2, 2, 2]), (12, [5, 5, 2]), (30, [18, 10, 2]), (112, [100, 10, 2]), (10**6, [100, 10, 2]), (0, [0, 0, 0])],
)
def test_as_even_as_the_sizes_allow(count, expected):
    assert counts(sample(LABELS, ROWS, count, seed=0)) == expected


def test_a_remainder_goes_to_different_classes_and_not_always_to_the_first():
    labels, rows = np.arange(10, dtype=np.int32).repeat(5), np.arange(50, dtype=np.int64)
    chosen = [tuple(labels[sample(labels, rows, 3, seed)]) for seed in range(10)]
    assert all(len(set(classes)) == 3 for classes in chosen)
    assert len(set(chosen)) > 1


def test_only_the_rows_given_sorted_and_without_repeats():
    rows = np.arange(1, 112, 2, dtype=np.int64)
    chosen = sample(LABELS, rows, 20, seed=0)
    assert chosen.dtype == np.int64
    assert set(chosen) <= set(rows)
    assert (np.diff(chosen) > 0).all()
    assert len(chosen) == 20


def test_seeded_and_nested():
    small, large = sample(LABELS, ROWS, 10, seed=4), sample(LABELS, ROWS, 40, seed=4)
    assert (small == sample(LABELS, ROWS, 10, seed=4)).all()
    assert set(small) <= set(large)
    assert small.tolist() != sample(LABELS, ROWS, 10, seed=5).tolist()


def test_no_rows():
    assert sample(LABELS, np.empty(0, np.int64), 5, seed=0).tolist() == []
