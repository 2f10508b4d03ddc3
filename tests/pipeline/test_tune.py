"""`edgetl tune` on the tiny set: trials are runs, a budget is kept, and a killed search goes on."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Answer

Cli = Callable[..., Answer]
TINY = (
    "--set",
    "train.batch_size=16",
    "--set",
    "train.head_epochs=5",
    "--set",
    "quantize.calibration_pictures=16",
    "--set",
    "augment.flip=false",
)


@pytest.fixture
def space(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that takes seconds."""
    from edgetl.pipeline import tune

    monkeypatch.setattr(tune, "MODELS", ("efficientnet_lite0 1.0",))
    monkeypatch.setattr(tune, "SPACE", {"model.image_size": (32, 64), "train.epochs": (1,), "train.learning_rate": (3e-4, 1e-3)})


@pytest.mark.usefixtures("space")
def test_a_killed_search_goes_on(cli: Cli, digit_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgetl.pipeline import tune

    out = tmp_path / "search \u00e4"
    command = ("tune", digit_folder, "--trials", 2, "--out", out, *TINY, "--set", "data.max_bad_fraction=0.1", "--json")
    whole, calls = tune.export, []

    def killed(project: object) -> object:
        calls.append(project)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return whole(project)

    monkeypatch.setattr(tune, "export", killed)
    assert cli(*command).code == 130
    begun = {path.name for path in (out / "trials").iterdir()}
    monkeypatch.setattr(tune, "export", whole)
    done = cli(*command)
    assert done.code == 0, done.err
    assert done.document["trained"] == 2
    assert {path.name for path in (out / "trials").iterdir()} == begun, "the trial that was killed was taken up again, and no other"
    assert "float: done already" in done.err
    best = done.document["best"]
    assert best["front"]
    assert best["top1_accuracy"] == max(one["top1_accuracy"] for one in done.document["trials"])
    recipe = tomllib.loads((out / "best.toml").read_text(encoding="utf-8"))
    assert recipe["model"]["image_size"] == best["model.image_size"]
    assert json.loads((out / "tune.json").read_text(encoding="utf-8")) == done.document
    assert (out / "tune.png").stat().st_size > 10_000
    again = cli(*command)
    assert again.code == 0
    assert "trial " not in again.err, "two were asked for, two are there"


@pytest.mark.usefixtures("space")
def test_a_model_over_the_budget_is_never_trained(cli: Cli, digit_folder: Path, tmp_path: Path) -> None:
    answer = cli(
        "tune",
        digit_folder,
        "--trials",
        1,
        "--latency-budget",
        "0.0001ms",
        "--out",
        tmp_path,
        *TINY,
        "--set",
        "data.max_bad_fraction=0.1",
        "--json",
    )
    assert answer.code == 0, answer.err
    assert answer.document["best"] is None
    assert answer.document["trained"] == 0
    assert all(one["latency_ms"] > 0.0001 for one in answer.document["trials"])
    assert "no trial is within the budget" in answer.err
    assert not list(tmp_path.rglob("float.keras"))


@pytest.mark.parametrize("text", ["fast", "-1ms", "nan"])
def test_a_budget_is_a_number_of_milliseconds(cli: Cli, digit_folder: Path, text: str) -> None:
    answer = cli("tune", digit_folder, "--latency-budget", text)
    assert answer.code == 2
    assert "5ms" in answer.err
