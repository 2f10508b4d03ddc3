"""The loss that keeps features general: nothing is lost at first, all where they are constant, and fine-tuning loses less with it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from edgetl.keras import tf

import numpy as np
import pytest

from edgetl.data.base import Images
from edgetl.training.head import trunk_of
from edgetl.training.retain import Retained
from edgetl.training.schedule import Schedule
from edgetl.training.scoring import scorer
from tests.training.conftest import CONTRACT
from tests.training.test_finetune import SETTINGS, same_weights, tune

Classifier = Callable[..., Any]
MakeSchedule = Callable[..., Schedule]


def _lost(retained: Retained, trunk: Any, images: Images) -> float:
    """Return the share of the old features' variance that no linear function of the new ones explains."""
    before = retained.features(tf.cast(images.pixels, tf.float32)).numpy()
    now = scorer(trunk, CONTRACT)(images.pixels, np.arange(len(images.names)))
    now = np.column_stack([now, np.ones(len(now))])
    left = before - now @ np.linalg.lstsq(now, before, rcond=None)[0]
    return float((left.var(0) / retained.variances).mean())


def test_nothing_is_lost_at_first_and_all_where_features_are_constant(classifier: Classifier, images: Images) -> None:
    retained = Retained.of(trunk_of(classifier()), images, CONTRACT, 2.0)
    pixels = tf.cast(images.pixels[images.rows("train")], tf.float32)
    features = retained.features(pixels)
    assert float(retained.loss(pixels, retained.regressor()(features))) == pytest.approx(0, abs=1e-9)
    constant = tf.reduce_mean(features, 0, keepdims=True)
    assert 0 < float(retained.loss(pixels, constant)) <= 2.0 * 1.1, "the weight, but for features that hardly vary"


def test_fine_tuning_loses_less_of_them(classifier: Classifier, images: Images, schedule: MakeSchedule) -> None:
    lost = {}
    for weight in (0.0, 10.0):
        model = classifier()
        retained = Retained.of(trunk_of(classifier()), images, CONTRACT, weight)
        tune(model, images, schedule(6), replace(SETTINGS, live_norms=False, retained=retained if weight else None))
        lost[weight] = _lost(retained, trunk_of(model), images)
        schedule(6).checkpoint.unlink()
    assert lost[10.0] < 0.7 * lost[0.0]


def test_a_killed_run_goes_on_with_its_regressor(classifier: Classifier, images: Images, schedule: MakeSchedule) -> None:
    settings = replace(SETTINGS, retained=Retained.of(trunk_of(classifier()), images, CONTRACT, 1.0))
    straight, stopped = classifier(), classifier(seed=77)
    tune(straight, images, schedule(3), settings)
    tune(stopped, images, schedule(3), settings)  # which finds the checkpoint of the last epoch
    assert same_weights(straight, stopped)
