"""The learning rate at the steps where its course changes."""

import math

from edgetl.keras import keras

import numpy as np
import pytest

from edgetl.training.schedule import WarmupCosine


@pytest.mark.parametrize(
    ("step", "share"),
    [
        (0, 0.1),  # not 0: the first step would be lost
        (4, 0.5),
        (9, 1.0),  # warm-up ends at the peak
        (10, 1.0),
        (55, 0.5),  # half-way between warm-up and end
        (100, 0.0),
        (500, 0.0),  # and never rises again
    ],
)
def test_rises_in_a_line_and_falls_as_half_a_cosine(step: int, share: float) -> None:
    assert float(WarmupCosine(2e-3, 100, 10)(step)) == pytest.approx(2e-3 * share, abs=1e-9)


def test_it_only_rises_then_only_falls() -> None:
    rates = [float(WarmupCosine(1.0, 60, 12)(step)) for step in range(61)]
    assert np.argmax(rates) in (11, 12)
    assert (np.diff(rates[:12]) > 0).all()
    assert (np.diff(rates[12:]) < 0).all()
    assert float(WarmupCosine(1.0, 60, 12)(24)) == pytest.approx(0.5 * (1 + math.cos(math.pi / 4)), abs=1e-6)


@pytest.mark.parametrize(("steps", "warmup"), [(0, 0), (1, 0), (1, 1), (5, 5), (5, 9)])
def test_short_trainings_have_a_finite_rate(steps: int, warmup: int) -> None:
    rates = np.array([float(WarmupCosine(1.0, steps, warmup)(step)) for step in range(steps + 2)])
    assert ((rates >= 0) & (rates <= 1)).all()
    assert rates[0] > 0, "the first step teaches something"


def test_keras_can_store_it() -> None:
    restored = WarmupCosine.from_config(WarmupCosine(0.5, 20, 3).get_config())
    assert float(restored(7)) == float(WarmupCosine(0.5, 20, 3)(7))
    assert isinstance(restored, keras.optimizers.schedules.LearningRateSchedule)


def test_a_late_start_joins_the_others() -> None:
    late, early = WarmupCosine(1.0, 100, 10, 40), WarmupCosine(1.0, 100, 10)
    assert float(late(39)) == 0
    assert float(late(40)) == float(early(40)) > 0
