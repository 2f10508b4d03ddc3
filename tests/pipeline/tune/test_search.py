"""`edgetl tune` on the tiny set: trials are runs, a budget is kept, and a killed search goes on."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import CliResult

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
SMALL = ("--set", "model.backbone=small_cnn", "--set", "model.weights=none")


@pytest.fixture
def space(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that takes seconds."""
    from edgetl.pipeline.tune import search as tune

    monkeypatch.setattr(tune, "MODELS", ("efficientnet_lite0 1.0",))
    monkeypatch.setattr(tune, "IMAGE_SIZES", (32, 64))
    monkeypatch.setattr(tune, "EPOCHS", (1,))
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
    epochs = [one["epochs"] for one in done.document["trials"]]
    assert epochs == [0, 0, 1], "two networks were judged by a head alone, and a third as many trained"
    *heads, trained = done.document["trials"]
    favourite = max(heads, key=lambda one: one["top1_accuracy"])
    assert trained["image_size"] == favourite["image_size"], "the most accurate network is the first to be trained"
    best = done.document["best"]
    assert best["front"]
    assert best["top1_accuracy"] == max(one["top1_accuracy"] for one in done.document["trials"])
    recipe = tomllib.loads((out / "best.toml").read_text(encoding="utf-8"))
    assert recipe["model"]["image_size"] == best["image_size"]
    assert recipe["train"]["epochs"] == best["epochs"]
    assert recipe["augment"] == {"flip": False}, "what all trials share belongs to the best one's recipe"
    assert "qat" not in recipe.get("quantize", {}), "it trains with quantization in the loop, which the trials leave out"
    assert json.loads((out / "tune.json").read_text(encoding="utf-8")) == done.document
    assert (out / "tune.png").stat().st_size > 10_000
    again = cli(*command)
    assert again.code == 0
    assert "trial " not in again.err, "all that were asked for are there"


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
