"""`edgetl tune` on the tiny set: trials are runs, a budget is kept, and a killed search goes on."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from edgetl.compared import Compared
from edgetl.recipe import load
from edgetl.run_folder import RunFolder
from edgetl.run_record import FloatFacts
from edgetl.tuning_record import TuningRecord, TuningTrial
from tests.conftest import CliResult

if TYPE_CHECKING:
    from edgetl.pipeline.tune.study import Study

Cli = Callable[..., CliResult]
TINY = (
    "--set",
    "train.batch_size=16",
    "--set",
    "train.head_epochs=5",
    "--set",
    "quantize.calibration_images=16",
    "--set",
    "quantize.ranges=minmax",
    "--set",
    "augment.flip=false",
)
SMALL = ("--set", "model.backbone=small_cnn", "--set", "model.weights=none", "--set", "model.image_size=32", "--set", "train.epochs=1")


@pytest.fixture
def space(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that takes seconds."""
    from edgetl.pipeline.tune import search as tune

    monkeypatch.setattr(tune, "MODELS", ("efficientnet_lite0 1.0",))
    monkeypatch.setattr(tune, "IMAGE_SIZES", (32, 64))
    monkeypatch.setattr(tune, "LEARNING_RATES", (3e-4, 1e-3))


@pytest.mark.usefixtures("space")
def test_a_killed_search_goes_on(cli: Cli, digit_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgetl.pipeline.tune import trial

    out = tmp_path / "search \u00e4"
    command = ("tune", digit_folder, "--trials", 2, "--out", out, *TINY, *SMALL, "--set", "data.max_bad_fraction=0.1", "--json")
    whole, calls = trial.export, []

    def killed(project: object) -> object:
        calls.append(project)
        if len(calls) in (2, 4):  # while the second network is judged, and while one is trained
            raise KeyboardInterrupt
        return whole(project)

    monkeypatch.setattr(trial, "export", killed)
    assert cli(*command).code == 130
    judged = runs(out)
    assert cli(*command).code == 130
    begun = runs(out)
    assert len(begun - judged) == 1, "the network that was killed was taken up again, and no other; then one was trained"
    done = cli(*command)
    assert done.code == 0, done.err
    assert runs(out) == begun, "the training that was killed was taken up again, and no other"
    assert "float: done already" in done.err
    trials, default = done.document["trials"], done.document["default"]
    heads, trained = trials[:2], trials[2:]
    assert [one["epochs"] for one in heads] == [0, 0], "two networks were judged by a head alone"
    favourite = max(heads, key=lambda one: one["top1_accuracy"])
    wanted = dict.fromkeys((32, favourite["image_size"]))
    assert [one["image_size"] for one in trained] == list(wanted), "then the recipe as it is was trained, and the most accurate network"
    assert {one["epochs"] for one in trained} == {1}, "as the recipe says"
    assert default == trained[0]
    best = done.document["best"]
    assert best["front"]
    assert best["top1_accuracy"] == max(one["top1_accuracy"] for one in trained), "a head alone is no conclusion"
    recipe = tomllib.loads((out / "best.toml").read_text(encoding="utf-8"))
    assert recipe["model"]["image_size"] == best["image_size"]
    assert recipe["train"]["epochs"] == 1, "the recipe's own"
    assert recipe["augment"] == {"flip": False}, "what all trials share belongs to the best one's recipe"
    assert "qat" not in recipe.get("quantize", {}), "it trains with quantization in the loop, which the trials leave out"
    assert json.loads((out / "tune.json").read_text(encoding="utf-8")) == done.document
    assert (out / "tune.png").stat().st_size > 10_000
    judge_of_trials(out, best)
    again = cli(*command)
    assert again.code == 0
    assert "trial " not in again.err, "all that were asked for are there"


def judge_of_trials(out: Path, best: dict[str, Any]) -> None:
    """Training images that were held out rank the trials, and no validation image."""
    record = RunFolder(out / "trials" / best["run"]).read()
    choice = record.integer_choice()
    assert choice is not None
    assert best["top1_accuracy"] == choice.candidates[0].top1_accuracy
    assert best["images"] > 0
    facts = record.find("float", FloatFacts)
    assert facts is not None
    assert not facts.trained_again, "or the images that choose would be learned"


def test_what_was_won_is_measured_on_images_that_ranked_nothing() -> None:
    best = TuningTrial(run="a", backbone="mobilenet_v2", alpha=0.5, image_size=160, learning_rate=2e-4, latency_ms=1.0, images=587)
    default = best.model_copy(update={"run": "b", "alpha": 1.0})
    record = TuningRecord(device="local", budget_ms=0.0, recipe=load(), best=best, default=default, trials=(best, default))
    assert "no other did better on 587 held-out training images, of which one is 0.17 points" in record.verdict
    found = Compared("val", 736, 0.93, 0.92, 12, 7, (-0.5, 1.9), 0.36)
    verdict = record.model_copy(update={"against_default": found}).verdict
    assert "736 validation images, of which one is 0.14 points: +0.68 points (95 % interval -0.5 to +1.9)" in verdict
    assert verdict.endswith("no difference is shown")
    assert "nothing to compare" in record.model_copy(update={"default": None}).verdict


def runs(out: Path) -> set[str]:
    return {path.name for path in (out / "trials").iterdir()}


@pytest.mark.usefixtures("space")
def test_a_model_over_the_budget_is_never_trained(cli: Cli, digit_folder: Path, tmp_path: Path) -> None:
    outcome = cli(
        "tune",
        digit_folder,
        "--trials",
        1,
        "--latency-budget",
        "0.0001ms",
        "--out",
        tmp_path,
        *TINY,
        *SMALL,
        "--set",
        "data.max_bad_fraction=0.1",
        "--json",
    )
    assert outcome.code == 0, outcome.err
    assert outcome.document["best"] is None
    assert all(one["latency_ms"] > 0.0001 and one["top1_accuracy"] is None for one in outcome.document["trials"])
    assert "no network is within the budget" in outcome.err
    assert not list(tmp_path.rglob("float.keras"))


@pytest.mark.parametrize("text", ["fast", "-1ms", "nan"])
def test_a_budget_is_a_number_of_milliseconds(cli: Cli, digit_folder: Path, text: str) -> None:
    outcome = cli("tune", digit_folder, "--latency-budget", text)
    assert outcome.code == 2
    assert "5ms" in outcome.err


def test_the_time_left_of_a_search_counts_its_trials(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    from edgetl.pipeline.tune import search

    study, now = SimpleNamespace(complete=[]), 0.0
    monkeypatch.setattr(search.time, "monotonic", lambda: now)
    with caplog.at_level("INFO"):
        for turn in search._until(cast("Study", study), 3, "by heads"):
            now += 120
            if turn != 1:  # that one was over the budget
                study.complete.append(turn)
    assert caplog.messages == [
        "by heads: trial 1 of 3",
        "by heads: trial 2 of 3, about 4 min left",
        "by heads: trial 3 of 3, about 2 min left",
    ]
