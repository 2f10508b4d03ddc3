"""The zoo: every model has its recipe, and the figures beside it are of that recipe."""

import json
from pathlib import Path

import pytest

from edgetl import recipe
from edgetl.report.card import card

MODELS = sorted(path.parent for path in (Path(__file__).resolve().parents[1] / "models").glob("*/recipe.toml"))


@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name)
def test_the_figures_are_of_the_recipe(folder: Path) -> None:
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    asked = json.loads(recipe.load(folder / "recipe.toml").model_dump_json())
    for table, settings in results["recipe"].items():  # a setting that is newer than the figures was not there to change them
        assert settings == {key: asked[table][key] for key in settings}, table
    assert (folder / "card.md").read_text(encoding="utf-8") == card(folder.name, results), "a card is made from its results, never by hand"
    assert results["passed"]
    assert results["schemes"].keys() >= {"ptq_int8", "qat_int8"}


def test_no_weights_are_kept_here() -> None:
    assert {path.name for folder in MODELS for path in folder.iterdir()} == {"recipe.toml", "results.json", "card.md"}
