"""A float model that int8 ruins: which layer does it is found out, and the budget is met or the best is told."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from edgetl.files import sha256
from edgetl.run_folder import RunFolder
from tests.conftest import CliResult, write_record

Cli = Callable[..., CliResult]
RUINED, READER = "conv_1", "conv_2"  # only ReLU and a pool between them: what one gains the other can lose


def ruin(run: Path, factor: float) -> None:
    """Scale one channel between two layers up and down again: the same float function, and a range that leaves the others few steps."""
    from edgetl.keras import keras

    model = keras.models.load_model(run / "float.keras", compile=False, safe_mode=True)
    kernel, bias = model.get_layer(RUINED).get_weights()
    reader, *rest = model.get_layer(READER).get_weights()
    kernel[..., 0] *= factor
    bias[0] *= factor
    reader[:, :, 0] /= factor
    model.get_layer(RUINED).set_weights([kernel, bias])
    model.get_layer(READER).set_weights([reader, *rest])
    model.save(run / "float.keras", save_format="keras")
    record = RunFolder(run).read().to_json()
    record["stages"]["float"]["files"]["float.keras"] = sha256(run / "float.keras")
    record["stages"] = {name: record["stages"][name] for name in ("data", "float")}
    write_record(run / "run.json", record)


@pytest.fixture(scope="module")
def ruined(made, tmp_path_factory: pytest.TempPathFactory) -> Path:  # type: ignore[no-untyped-def]
    """Return the run with a float model that int8 ruins, and a calibrated model of it."""
    import shutil

    import edgetl

    run = tmp_path_factory.mktemp("ruined") / "run"
    shutil.copytree(made.run, run)
    ruin(run, 300)
    recipe = made.recipe.read_text(encoding="utf-8").replace("[quantize]", '[quantize]\nranges = "minmax"')
    (run.parent / "recipe.toml").write_text(recipe, encoding="utf-8")
    edgetl.train(json.loads(recipe.split("source = ")[1].splitlines()[0]), recipe=run.parent / "recipe.toml", out=run, qat=False)
    return run


def test_sensitivity_names_the_layer_first(ruined: Path, cli: Cli) -> None:
    outcome = cli("sensitivity", ruined, "--scheme", "ptq_int8", "--limit", 24, "--json")
    assert outcome.code == 0, outcome.err
    worst = outcome.document["operators"][0]
    assert worst["operator"] == f"{RUINED}_relu", "its range is that of its activation"
    assert worst["logits_change"] > 3 * outcome.document["operators"][1]["logits_change"]


@pytest.mark.slow
def test_the_budget_is_met_by_climbing(ruined: Path, cli: Cli) -> None:
    outcome = cli("export", ruined, "--int8", "--max-drop", 1, "--json")
    assert outcome.code == 0, outcome.err
    facts = outcome.document["choice"]
    assert facts["candidates"][0]["drop_points"] >= 10, "calibration alone must fail, or there is nothing to rescue"
    assert facts["chosen"]["drop_points"] <= 1
    assert facts["within_budget"]
    assert [step["drop_points"] > 1 for step in facts["candidates"]] == [True] * (len(facts["candidates"]) - 1) + [False], (
        "it stops when it is met"
    )
    for step in facts["candidates"]:
        assert f"{step['drop_points']:+.2f} points" in outcome.err, "each step's figure is said"
    assert cli("validate", ruined, "--json").document["subjects"]["keras_int8"]


def test_a_budget_that_cannot_be_met_ends_with_its_exit_code_and_the_best_found(
    ruined: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgetl.pipeline.export import budget

    whole = budget._ladder
    monkeypatch.setattr(budget, "_ladder", lambda project, precision: [next(whole(project, precision))])
    outcome = cli("export", ruined, "--int8", "--max-drop", 0.5, "--json")
    assert outcome.code == 9, outcome.err
    assert "min-max" in outcome.document["error"]["problem"]
    assert (ruined / "export/model_int8.tflite").is_file()
