"""What a project keeps in memory, and when it drops it; what it refuses before it reads an image."""

import json
from pathlib import Path
from typing import Any

import pytest

from edgetl.backbones.weights.load import WEIGHTS_DIR
from edgetl.data import images as data_images
from edgetl.errors import EdgetlError, RunError
from edgetl.pipeline.export.current import exported
from edgetl.pipeline.project import Project
from edgetl.recipe import load


def test_models_are_loaded_once_and_again_after_a_training(made) -> None:
    models = Project.open(made.run).models
    first, predictions = models.float_model, models.float_predictions
    assert models.float_model is first
    assert models.float_predictions is predictions
    models.forget()
    assert models.float_model is not first
    assert (models.float_predictions == predictions).all()


def test_the_images_are_read_once(made) -> None:
    data = Project.open(made.run).data
    assert data.images is data.images
    assert len(data.rows("train")) == (data.images.splits == "train").sum()
    assert len(data.rows("train", 3)) == 3


@pytest.mark.parametrize("weights", ["imagenet", "my.npz"])
def test_weights_that_are_not_there_leave_no_run(weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WEIGHTS_DIR, str(tmp_path / "nowhere"))
    recipe = load(options={"data.source": "digits", "model.weights": weights})
    with pytest.raises(EdgetlError, match=r"nowhere|my\.npz"):
        Project.create(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_training_decodes_each_image_once(digit_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[int] = []
    decode = data_images.decode_sizes
    monkeypatch.setattr(data_images, "decode_sizes", lambda data, contracts: (decoded.append(len(contracts)), decode(data, contracts))[1])
    recipe = load(options={"data.source": str(digit_folder), "model.backbone": "small_cnn", "model.weights": "none"})
    together, apart = (Project.create(recipe, tmp_path / name).data for name in ("together", "apart"))
    with together.learning():
        larger = together.training_images
    assert decoded == [2] * len(decoded)
    decoded.clear()
    assert (apart.training_images.pixels[:] == larger.pixels[:]).all()
    assert (apart.images.pixels[:] == together.images.pixels[:]).all()
    assert decoded == [1] * len(decoded)
    assert apart.training_images.fingerprint == larger.fingerprint


def _changed(run: Path, place: tuple[str, ...], value: object) -> Project:
    """Return the project of the run with one value of its record changed."""
    record: dict[str, Any] = json.loads((run / "run.json").read_text(encoding="utf-8"))
    table = record
    for name in place[:-1]:
        table = table[name]
    table[place[-1]] = value
    (run / "run.json").write_text(json.dumps(record), encoding="utf-8")
    return Project.open(run)


def test_a_run_that_does_not_name_its_network_has_the_same_contract(made, run_copy: Path) -> None:
    older = _changed(run_copy, ("stages", "float", "facts", "network"), "")
    assert older.contract == Project.open(made.run).contract
    assert exported(older)


@pytest.mark.parametrize(("setting", "value"), [("backbone", "mobilenet_v1"), ("image_size", 64), ("channels", "gray")])
def test_files_are_not_of_a_recipe_that_names_another_network(run_copy: Path, setting: str, value: object) -> None:
    project = _changed(run_copy, ("recipe", "model", setting), value)
    with pytest.raises(RunError, match="another recipe"):
        exported(project)
