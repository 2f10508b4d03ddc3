"""Thresholds of the classes: the best ones by hand, and what is said where the images do not suffice."""

import numpy as np
import pytest

from edgetl.errors import UsageError
from edgetl.evaluation.per_class import confusion, decided_metrics, per_class_metrics
from edgetl.evaluation.thresholds import Aim, best_thresholds, best_thresholds_of_several

NAMES = ("a", "b")
A = np.array([0.95, 0.9, 0.85, 0.7, 0.6, 0.55])  # probability of "a", in six images that are predicted as it
PROBABILITIES = np.concatenate([np.stack([A, 1 - A], axis=1), [[0.1, 0.9]]])
LABELS = np.array([0, 0, 0, 1, 0, 1, 1])
SHOWN = LABELS[:, None] == np.arange(2)


def test_the_best_f1_is_found() -> None:
    found = best_thresholds(PROBABILITIES, LABELS, NAMES, Aim())
    # With 0.55 out, 4 of 5 are right and none of "a" is missed (F1 0.89); from 0.7 on one is missed (0.86).
    assert 0.55 < found.per_class[0] < 0.6
    assert found.per_class[1] == 0
    assert found.notes == ("fewer than 10 images to choose by were predicted as 'a' (6), 'b' (1): chance decides there",)


def test_a_precision_is_reached_with_the_lowest_threshold_or_said_to_be_missed() -> None:
    found = best_thresholds(PROBABILITIES, LABELS, NAMES, Aim(0.9))
    assert 0.7 < found.per_class[0] < 0.71
    wrong = best_thresholds(PROBABILITIES, np.ones(7, int), NAMES, Aim(0.9))
    assert wrong.notes[0] == "no threshold reaches the precision for 'a' (0.0 %): there it is the most precise one"


def test_none_is_lower_than_that_of_the_rejection() -> None:
    assert best_thresholds(PROBABILITIES, LABELS, NAMES, Aim(), least=0.75).per_class == (0.75, 0.75)


@pytest.mark.parametrize("text", ["precision=0", "precision=1.1", "precision=x", "recall=0.9", "precision=nan", ""])
def test_other_aims_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="there is no target"):
        Aim.of(text)
    assert [str(Aim.of(one)) for one in ("best-f1", "precision=0.9")] == ["best-f1", "precision=0.9"]


def test_decisions_are_measured_as_predictions_are_where_every_image_is_named() -> None:
    predictions = PROBABILITIES.argmax(axis=1)
    named = np.eye(2, dtype=bool)[predictions]
    assert decided_metrics(named, SHOWN) == per_class_metrics(confusion(predictions, LABELS, 2))
    rejected = decided_metrics(named & (PROBABILITIES >= 0.8), SHOWN)[0]
    assert (rejected.precision, rejected.recall) == (1, 3 / 4)


def test_each_of_several_classes_takes_all_images_and_stays_far_from_both_kinds() -> None:
    # "a" is the less probable class of two images that show both: of one class an image they would not count for it.
    probabilities = np.array([[0.8, 0.9], [0.7, 0.95], [0.9, 0.1], [0.2, 0.9], [0.1, 0.2]])
    shown = np.array([[1, 1], [1, 1], [1, 0], [0, 1], [0, 0]], bool)
    found = best_thresholds_of_several(probabilities, shown, NAMES, Aim())
    assert [abs(one - 0.5) < 1 / 256 for one in found.per_class] == [True, True]  # anything from 0.2 to 0.7 does equally well
    assert found.notes == ("fewer than 10 images to choose by show 'a' (3), 'b' (3): chance decides there",)
    unsure = np.array([[0.8, 0.9], [0.7, 0.95], [0.9, 0.1], [0.75, 0.9], [0.1, 0.2]])
    assert 0.75 < best_thresholds_of_several(unsure, shown, NAMES, Aim(1.0)).per_class[0] < 0.8  # with the highest recall


def test_a_class_that_no_image_shows_is_present_from_one_half() -> None:
    probabilities, shown = np.array([[0.8, 0.3], [0.1, 0.6]]), np.array([[1, 0], [0, 0]], bool)
    assert abs(best_thresholds_of_several(probabilities, shown, NAMES, Aim()).per_class[1] - 0.5) < 1 / 256
