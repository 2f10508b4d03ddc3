"""What to unfreeze is found on the training images alone, and is worth having."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edgetl.data.examples import AugmentedExamples
from edgetl.float_record import Trial
from edgetl.training import trials
from edgetl.training.finetune import FineTuneSettings
from edgetl.training.schedule import Schedule
from edgetl.training.train_head import HeadSettings
from edgetl.training.trials import choose
from tests.training.conftest import CONTRACT, NO_AUGMENTATION, coloured

EVEN = np.ones(3, np.float32)
HEAD = HeadSettings(epochs=5, learning_rate=0.01, batch_size=32, dropout=0.0, label_smoothing=0.0, mirror=False, seed=5)
SETTINGS = FineTuneSettings(
    batch_size=8, learning_rate=0.01, warmup_fraction=0.1, unfreeze="auto", dropout=0.0, label_smoothing=0.0, live_norms=False, seed=5
)


def found(model: Any, images: Any, schedule: Schedule, head: HeadSettings | None = HEAD) -> tuple[Trial, ...]:
    return choose(model, AugmentedExamples(images, CONTRACT, EVEN, lambda: images, NO_AUGMENTATION), head, SETTINGS, schedule)


def test_depths_then_rates_best_first(
    classifier: Callable[..., Any], schedule: Callable[..., Schedule], monkeypatch: pytest.MonkeyPatch
) -> None:
    images = coloured(180)
    tried = found(classifier(), images, schedule(9))
    assert len(tried) == 6
    assert [trial.loss for trial in tried] == sorted(trial.loss for trial in tried)
    assert {trial.unfreeze for trial in tried} == {"head", "1-block", "2-blocks", "all"}
    assert {round(trial.learning_rate, 4) for trial in tried} == {0.01, 0.0033, 0.03}
    at_other_rates = {trial.unfreeze for trial in tried if trial.learning_rate != SETTINGS.learning_rate}
    at_this = {trial.unfreeze: trial.loss for trial in tried if trial.learning_rate == SETTINGS.learning_rate}
    assert at_other_rates == {min(at_this, key=at_this.__getitem__)}
    assert at_this["head"] > min(at_this.values()), "random features want training"
    assert not list(schedule(9).checkpoint.parent.iterdir())

    unseen = images.splits == "val"
    spoilt = replace(images, pixels=np.where(unseen[:, None, None, None], 0, images.pixels).astype(np.uint8), label_ids=images.label_ids)
    monkeypatch.setattr(trials, "_FACTORS", ())
    monkeypatch.setattr(trials, "_depths", lambda count: ("head", "1-block"))
    again = found(classifier(), spoilt, schedule(9))
    assert len(again) == 2
    assert set(again) <= set(tried), "no validation image has a say"


def test_a_large_set_is_sampled_and_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    images = coloured(300)
    monkeypatch.setattr(trials, "IMAGES", 90)
    splits = trials._slice(images, 1)
    assert set(np.flatnonzero(splits != "test")) <= set(images.rows("train"))
    assert (splits != "test").sum() == 90
    assert 9 <= (splits == "val").sum() <= 27, "a fifth, within chance"
