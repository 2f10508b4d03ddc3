"""The zoo: every model has its recipe, and the results beside it are of that recipe."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from edgetl import recipe
from edgetl.report.page.card import card
from edgetl.report.page.results import Results
from tests.conftest import edgetl

MODELS = sorted(path.parent for path in (Path(__file__).resolve().parents[1] / "models").glob("*/recipe.toml"))
# No results are kept of these: their full training needs a GPU, or weights that were not at hand. Their quick form is tested instead.
UNMEASURED = {"inception_v3_flowers", "resnet50_flowers", "vgg16_cifar10"}
QUICK = {"inception_v3_flowers": 0.5, "resnet50_flowers": 0.7, "small_cnn_digits": 0.4, "vgg16_cifar10": 0.9}  # least top-1 in int8
MEASURED = [folder for folder in MODELS if folder.name not in UNMEASURED]


@pytest.mark.parametrize("folder", MEASURED, ids=lambda folder: folder.name)
def test_the_results_are_of_the_recipe(folder: Path) -> None:
    results = Results.read(folder / "results.json")
    both = recipe.load(folder / "recipe.toml"), recipe.restore(results.recipe)
    asked, measured = (one.without_folders().model_dump() for one in both)
    for table, settings in results.recipe.items():  # a setting that is newer than the results was not there to change them
        assert {key: measured[table][key] for key in settings} == {key: asked[table][key] for key in settings}, table
    assert (folder / "card.md").read_text(encoding="utf-8") == card(folder.name, results), "a card is made from its results, never by hand"
    assert results.passed
    assert {one.name for one in results.candidates} >= {"ptq_int8", "qat_int8"}


@pytest.mark.parametrize("name", sorted(UNMEASURED))
def test_a_recipe_without_results_has_a_quick_form(name: str) -> None:
    path = MODELS[0].parent / name / "recipe.toml"
    assert recipe.load(path, quick=True) != recipe.load(path)
    for quick in (False, True):
        assert (recipe.pretraining(path, quick=quick) is not None) == (recipe.load(path, quick=quick).model.weights.endswith(".npz"))


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_the_quick_form_passes_from_its_one_command(name: str, shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    """No answer differs in the exports, integers only: an export with a float operator in its int8 file, or validation, would fail."""
    command: list[object] = ["run", MODELS[0].parent / name / "recipe.toml", "--quick", "--out", "run", "--json"]
    if name == "small_cnn_digits":
        command += ["--set", f"pretrain.data.source={shared_data('cifar10_small')}", "--set", "model.weights=own.npz"]
    done = edgetl(*command, cwd=tmp_path, timeout=1800)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["passed"]
    assert document["subjects"]["tflite_int8"]["accuracy"]["top1_accuracy"] >= QUICK[name]


def test_no_weights_are_kept_here() -> None:
    assert {path.name for folder in MODELS for path in folder.iterdir()} == {"recipe.toml", "results.json", "card.md"}
