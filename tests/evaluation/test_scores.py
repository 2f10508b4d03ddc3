"""The scores equal scikit-learn's, and the intervals behave."""

from functools import partial

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    log_loss,
    precision_recall_fscore_support,
    roc_auc_score,
    top_k_accuracy_score,
)

from edgetl.evaluation import scores
from edgetl.evaluation.calibration import calibration_error
from edgetl.evaluation.resampling import proportion, resample, wilson
from edgetl.evaluation.scores import score, weighted_statistics

NAMES = ("a", "b", "c", "d")


def some(images: int, seed: int = 0, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that are right more often than not, none of them below the loss's floor."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, images)
    logits = random.normal(size=(images, classes)) + 1.2 * np.eye(classes)[labels]
    odds = np.exp(logits)
    return 0.02 + 0.92 * odds / odds.sum(axis=1, keepdims=True), labels


def test_every_figure_is_scikit_learns() -> None:
    probabilities, labels = some(300)
    predictions, found = probabilities.argmax(axis=1), score(probabilities, labels, NAMES)
    assert found.top1_accuracy.value == accuracy_score(labels, predictions)
    assert {one.k: one.accuracy.value for one in found.top_k} == {
        k: pytest.approx(top_k_accuracy_score(labels, probabilities, k=k)) for k in (2, 3)
    }
    assert found.loss.value == pytest.approx(log_loss(labels, probabilities))
    for kind, averages in (("macro", found.macro), ("weighted", found.weighted)):
        wanted = precision_recall_fscore_support(labels, predictions, average=kind)[:3]
        assert [averages.precision.value, averages.recall.value, averages.f1.value] == pytest.approx(wanted)
        area = roc_auc_score(labels, probabilities, multi_class="ovr", average=kind)
        assert averages.roc_auc.value == pytest.approx(area)  # type: ignore[union-attr]
    np.testing.assert_array_equal(found.confusion, confusion_matrix(labels, predictions))
    each = np.array(precision_recall_fscore_support(labels, predictions)).T
    for one, (precision, recall, f1, support) in zip(found.classes, each, strict=True):
        assert None not in (one.precision, one.recall, one.f1)
        values = [one.precision.value, one.recall.value, one.f1.value]  # type: ignore[union-attr]
        assert [*values, one.images] == pytest.approx([precision, recall, f1, support])


@pytest.mark.parametrize("steps", [0, 256])
def test_a_resample_is_scored_as_scikit_learn_scores_it(steps: int) -> None:
    """Also with a class that the resample lacks, and with the ties of a uint8 output."""
    probabilities, labels = some(40, seed=3)
    probabilities = np.round(probabilities * 16) / 16 if steps else probabilities
    statistics, random = weighted_statistics(probabilities, labels), np.random.default_rng(1)
    for picked in [random.integers(0, 40, 40) for _ in range(5)] + [np.flatnonzero(labels != 2)]:
        of, predictions = labels[picked], probabilities[picked].argmax(axis=1)
        found = statistics(np.bincount(picked, minlength=40)[None].astype(float))
        for kind in ("macro", "weighted"):
            wanted = precision_recall_fscore_support(of, predictions, average=kind, zero_division=0)[:3]
            assert [found[f"{kind}_{name}"][0] for name in ("precision", "recall", "f1")] == pytest.approx(wanted)
        areas = [roc_auc_score(of == k, probabilities[picked, k]) if 0 < (of == k).sum() < len(of) else np.nan for k in range(4)]
        np.testing.assert_allclose(found["roc_auc"][0], areas)
        assert found["macro_roc_auc"][0] == pytest.approx(np.nanmean(areas))
        assert found["calibration_error"][0] == pytest.approx(calibration_error(probabilities[picked], of))


def test_intervals_hold_the_figure_narrow_with_images_and_repeat() -> None:
    few, many = score(*some(100), NAMES), score(*some(1600), NAMES)
    for found in (few, many):
        assert found.top1_accuracy.interval_95[0] < found.top1_accuracy.value < found.top1_accuracy.interval_95[1]
        for one in (found.macro.f1, found.weighted.precision, found.macro.roc_auc, found.loss, found.classes[1].f1):
            assert one is not None
            assert one.interval_95[0] < one.value < one.interval_95[1]
        assert 0 <= found.calibration_error.interval_95[0] <= found.calibration_error.interval_95[1]
    width = [one.macro.f1.interval_95[1] - one.macro.f1.interval_95[0] for one in (few, many)]
    assert 3 < width[0] / width[1] < 5.3, "a quarter, for sixteen times the images"
    assert score(*some(100), NAMES) == few
    assert score(*some(100), NAMES, seed=1) != few


def test_the_intervals_hold_the_truth_about_as_often_as_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Macro F1 of 60 sets of 150 images against that of 40,000; fewer resamples give the same intervals, a little less exact."""
    monkeypatch.setattr(scores, "resample", partial(resample, times=300))
    probabilities, labels = some(40_000, seed=99)
    truth = f1_score(labels, probabilities.argmax(axis=1), average="macro")
    held = 0
    for seed in range(60):
        interval = score(*some(150, seed), NAMES).macro.f1.interval_95
        held += interval[0] <= truth <= interval[1]
    assert held >= 50


def test_an_absent_class_and_one_image_a_class_are_said() -> None:
    probabilities, labels = some(60)
    labels = np.where(labels == 3, 0, labels)
    found = score(probabilities, labels, NAMES)
    lost = found.classes[3]
    assert (lost.images, lost.recall, lost.roc_auc) == (0, None, None)
    assert lost.predicted
    assert lost.precision is not None
    assert lost.precision.value == 0
    assert found.macro.roc_auc is not None
    assert any("no image shows 'd'" in note for note in found.notes)

    single = score(np.eye(4) * 0.6 + 0.1, np.arange(4), NAMES)
    assert single.top1_accuracy.value == 1.0
    assert single.top1_accuracy.interval_95[0] < 0.6, "four images show little"
    assert any("fewer than 10 images" in note for note in single.notes)

    alone = score(probabilities[:1], labels[:1], NAMES)
    assert (alone.images, alone.macro.roc_auc, alone.classes[labels[0]].roc_auc) == (1, None, None)
    assert any("the same class" in note for note in alone.notes)


def test_nonsense_is_refused() -> None:
    probabilities, labels = some(10)
    probabilities[0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        score(probabilities, labels, NAMES)


@pytest.mark.parametrize(("images", "seed"), [(12, 0), (40, 1), (150, 2), (600, 3)])
def test_the_calibration_error_lies_within_its_interval_and_so_does_the_truth(images: int, seed: int) -> None:
    """Of a perfectly calibrated model, whose true error is 0: chance alone makes the figure, and resampling adds more of it."""
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.ones(3), images)
    label_ids = np.array([random.choice(3, p=row) for row in probabilities])
    found = score(probabilities, label_ids, NAMES[:3]).calibration_error
    assert found.interval_95[0] <= found.value <= found.interval_95[1]
    assert images < 40 or found.interval_95[0] < 0.02, "the truth, 0, is within, or nearly"


def test_every_interval_holds_its_figure() -> None:
    for images, classes in ((3, 4), (9, 3), (30, 4)):
        found = score(*some(images, classes=classes), NAMES[:classes])
        estimates = [found.top1_accuracy, found.loss, found.calibration_error, *(one.accuracy for one in found.top_k)]
        for part in (found.macro, found.weighted, *found.classes):
            estimates += [value for value in (part.precision, part.recall, part.f1, part.roc_auc) if value is not None]
        assert all(one.interval_95[0] <= one.value <= one.interval_95[1] for one in estimates)


@pytest.mark.parametrize(("right", "of"), [(0, 1), (1, 1), (7, 9), (655, 736), (0, 50)])
def test_wilsons_interval_is_scipys(right: int, of: int) -> None:
    interval = binomtest(right, of).proportion_ci(0.95, method="wilson")
    found = proportion(right, of)
    assert found
    assert found.interval_95 == wilson(right / of, of) == pytest.approx((interval.low, interval.high), abs=1e-12)
