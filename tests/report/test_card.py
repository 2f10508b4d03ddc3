"""The card has the measurements of the validation, and the commands that reproduce them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from edgetl import recipe
from edgetl.report.page.results import Results
from edgetl.run_folder import RunFolder
from tests.conftest import CliResult, Made

Cli = Callable[..., CliResult]


def test_a_card_has_the_measurements_of_the_validation(cli: Cli, made: Made, tmp_path: Path) -> None:
    folder = tmp_path / "three digits"
    outcome = cli("card", made.run, "--out", folder, "--json")
    assert outcome.code == 0, outcome.err
    results, card = Results.read(folder / "results.json"), (folder / "card.md").read_text(encoding="utf-8")
    assert outcome.document == {"folder": str(folder)} | results.to_json()
    validation = made.outcome.document
    for name, subject in validation["subjects"].items():
        assert results.models[name].top1_accuracy == subject["accuracy"]["top1_accuracy"]
        assert f"`{name}` | {100 * subject['accuracy']['top1_accuracy']:.2f}" in card
    assert {one.name for one in results.candidates} == {"ptq_int8", "qat_int8"}
    assert "edgetl run recipe.toml --out 'runs/three digits'" in card
    made_of, again = RunFolder(made.run).read().recipe, recipe.load(folder / "recipe.toml")
    assert again.without_folders() == made_of.without_folders()
    assert again.data.source == str(folder / Path(made_of.data.source).name), "images are looked for beside the card"
    assert recipe.load(made.run / "recipe.toml") == made_of, "a run's own recipe makes it again"
    assert str(made.run) not in card + json.dumps(results.to_json()), "a card is read elsewhere"


def test_without_a_validation_there_is_no_card(cli: Cli, run_copy: Path, tmp_path: Path) -> None:
    (run_copy / "validation.json").write_text("{}", encoding="utf-8")
    outcome = cli("card", run_copy, "--out", tmp_path / "card")
    assert outcome.code == 5
    assert "edgetl validate" in outcome.err
    assert not (tmp_path / "card").exists()


def test_estimates_of_an_npu_are_called_so(cli: Cli, run_copy: Path, tmp_path: Path) -> None:
    pytest.importorskip("ethosu", reason="ethos-u-vela is not installed: pip install edgetl[mcu]")
    assert cli("card", run_copy, "--out", tmp_path / "before").code == 0
    assert "ethos-u55-128" not in (tmp_path / "before" / "card.md").read_text(encoding="utf-8")
    assert cli("benchmark", run_copy, "--device", "vela:ethos-u55-128").code == 0
    assert cli("card", run_copy, "--out", tmp_path / "card").code == 0
    results, card = Results.read(tmp_path / "card" / "results.json"), (tmp_path / "card" / "card.md").read_text(encoding="utf-8")
    assert {one.accelerator for one in results.npu} == {"ethos-u55-128"}
    assert "Estimated by Arm's compiler, vela: nothing was run" in card
    assert all(f"| {' | '.join(one.texts)} |" in card for one in results.npu)
    with (run_copy / "benchmark.json").open("a", encoding="utf-8") as damaged:
        damaged.write("?")
    assert cli("card", run_copy, "--out", tmp_path / "after").code == 0
    assert not Results.read(tmp_path / "after" / "results.json").npu


def test_a_recipe_beside_the_card_is_kept(cli: Cli, made: Made, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text("[model]\nalpha = 0.5\n", encoding="utf-8")
    outcome = cli("card", made.run, "--out", tmp_path)
    assert outcome.code == 0
    assert "is kept, and has other settings than the run: " in outcome.err
    assert "model.alpha" in outcome.err
    assert (tmp_path / "recipe.toml").read_text(encoding="utf-8") == "[model]\nalpha = 0.5\n"
