"""AUROC, thresholds and coverage: known values, and intervals that hold what they promise."""

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from edgetl.evaluation.rejection import GRID, Scored, auroc, coverage, rejection, threshold_keeping


def test_auroc_is_scikit_learns_with_ties_counting_half() -> None:
    random = np.random.default_rng(0)
    known, unknown = (np.round(random.beta(*shape) * 256) / 256 for shape in ((5, 1, 300), (2, 2, 100)))
    found = auroc(known, unknown)
    assert found.value == pytest.approx(roc_auc_score(np.repeat([1, 0], [300, 100]), np.concatenate([known, unknown])))
    assert auroc(np.ones(5), np.ones(7)).value == 0.5
    assert auroc(np.zeros(4), np.ones(4)).value == 0


def test_its_interval_holds_the_truth_as_often_as_it_says_also_near_1() -> None:
    random, far = np.random.default_rng(0), 2.5  # standard deviations
    truth = 0.5 * (1 + math.erf(far / 2))  # 0.961
    intervals = [auroc(random.normal(far, 1, 60), random.normal(0, 1, 30)).interval_95 for _ in range(300)]
    held = np.mean([low <= truth <= high for low, high in intervals])
    assert 0.92 < held < 1
    low, high = auroc(np.ones(50), np.zeros(20)).interval_95
    assert 0.9 < low < 0.95, "20 unknown images do not prove that none will pass"
    assert high == 1


def test_the_threshold_keeps_the_share_and_lies_between_steps() -> None:
    scores = np.arange(1, 257) / 256  # of a uint8 output, one image a step
    threshold = threshold_keeping(scores, 0.95)
    assert (scores >= threshold).sum() == 244, "243 would be 94.9 %"
    assert (threshold * 256) % 1 == 0.5
    assert threshold_keeping(np.array([0.0, 1.0]), 0.95) == 0
    assert len(GRID) == 257


def test_coverage_falls_from_all_images_and_keeps_equal_scores_together() -> None:
    points = coverage(np.array([0.9, 0.5, 0.9, 0.7]), np.array([True, False, True, False]))
    assert [(one.threshold, one.coverage, one.accuracy) for one in points] == [(0.5, 1.0, 0.5), (0.7, 0.75, 2 / 3), (0.9, 0.5, 1.0)]
    many = coverage(np.linspace(0.2, 1, 1000), np.ones(1000, bool))
    assert len(many) == 41
    assert many[0].coverage == 1
    assert [one.coverage for one in many] == sorted((one.coverage for one in many), reverse=True)


def test_a_model_is_scored_with_and_without_thresholds() -> None:
    known, right = np.array([0.9, 0.8, 0.7, 0.4]), np.array([True, True, False, False])
    unknown = [Scored(np.array([0.3, 0.75]), np.array([False, True])), Scored(np.array([0.1]), np.array([False]))]
    found = rejection(Scored(known, known >= 0.6), right, unknown)
    assert found.kept is not None
    assert found.kept.value == 0.75
    assert found.accuracy_of_kept is not None
    assert found.accuracy_of_kept.value == 2 / 3
    assert [one.passed.value for one in found.folders if one.passed] == [0.5, 0]
    assert found.mean is not None
    assert found.mean.passed == 0.25
    assert found.mean.auroc == pytest.approx((6 / 8 + 1) / 2)
    bare = rejection(Scored(known, None), right, [])
    assert bare.kept is bare.accuracy_of_kept is bare.mean is None
