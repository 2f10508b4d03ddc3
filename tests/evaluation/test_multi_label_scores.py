"""Scores of several labels an image: the values of scikit-learn, and intervals around them."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_fscore_support

from edgetl.evaluation.multi_label_scores import score_several
from tests.evaluation.test_multi_label import NAMES, OUTPUT, a_model


def test_every_figure_is_scikit_learns_and_within_its_interval() -> None:
    probabilities, shown = a_model()
    found = score_several(probabilities, shown, NAMES, OUTPUT.present_from)
    decided = OUTPUT.present(probabilities)
    for averages, kind in ((found.macro, "macro"), (found.micro, "micro")):
        wanted = precision_recall_fscore_support(shown, decided, average=kind)[:3]
        assert [averages.precision.value, averages.recall.value, averages.f1.value] == pytest.approx(list(wanted))
    assert [one.average_precision.value for one in found.classes if one.average_precision] == pytest.approx(
        average_precision_score(shown, probabilities, average=None).tolist()
    )
    estimates = [found.mean_average_precision, found.micro_average_precision, found.exact_match, found.loss, found.calibration_error]
    assert all(one.interval_95[0] <= one.value <= one.interval_95[1] for one in estimates)
    low, high = found.mean_average_precision.interval_95
    assert 0.005 < high - low < 0.05  # some 90 images show each class
    assert [(one.images, one.predicted, one.right) for one in found.classes] == [
        (int(shown[:, k].sum()), int(decided[:, k].sum()), int((shown[:, k] * decided[:, k]).sum())) for k in range(4)
    ]
    assert found == score_several(probabilities, shown, NAMES, OUTPUT.present_from)


def test_probabilities_that_mean_what_they_say_are_calibrated() -> None:
    random = np.random.default_rng(0)
    honest = random.random((2000, 4))
    shown = (random.random(honest.shape) < honest).astype(int)
    assert score_several(honest, shown, NAMES, OUTPUT.present_from).calibration_error.value < 0.02
    assert score_several(honest**3, shown, NAMES, OUTPUT.present_from).calibration_error.value > 0.2


def test_a_class_without_images_is_named_and_left_out() -> None:
    probabilities, shown = a_model()
    shown[:, 1], shown[3:, 2] = 0, 0
    found = score_several(probabilities, shown, NAMES, OUTPUT.present_from)
    assert found.classes[1].average_precision is None
    assert found.mean_average_precision.value == pytest.approx(
        np.mean([one.average_precision.value for one in found.classes if one.average_precision])
    )
    assert found.notes[0].startswith("no image shows 'b': average precision and recall are undefined there")
