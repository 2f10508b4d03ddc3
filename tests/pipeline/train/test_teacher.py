"""Small networks on few images learn from a larger one, which is trained first: by a rule, and said."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from edgetl.pipeline.project import Project
from edgetl.pipeline.train import teacher
from edgetl.recipe import Recipe, load, restore
from edgetl.run_folder import RunFolder
from edgetl.run_record import DataFacts, FloatFacts
from tests.conftest import CliResult, Made

SMALL = {"model.backbone": "mobilenet_v2", "model.alpha": 0.35, "model.image_size": 128}


def project(tmp_path: Path, images: int = 300, **settings: object) -> Project:
    """Return as much of a project as the rule looks at."""
    recipe = load(options=SMALL | {"teacher.run": "auto"} | {key.replace("__", "."): value for key, value in settings.items()})
    facts = DataFacts(fingerprint="", counts={"train": images}, class_names=("a", "b"), rejected=0, excluded=0)
    run = SimpleNamespace(path=tmp_path, facts=lambda stage, kind: facts)
    return cast(Project, SimpleNamespace(recipe=recipe, team=SimpleNamespace(workers=1), run=run))


def test_a_small_network_on_few_images_has_a_teacher_beside_its_run(tmp_path: Path) -> None:
    found = teacher.teacher_run(project(tmp_path, 1000))
    assert found is not None
    assert found.path == tmp_path / "teacher"


@pytest.mark.parametrize(
    ("images", "settings", "reason"),
    [
        (1001, {}, "1,001 training images are more than teacher.most_images (1,000)"),
        (300, {"model__backbone": "efficientnet_lite0", "model__alpha": 1.0}, "not 3 times as large"),
        (300, {"model__weights": "none"}, "does not start from ImageNet weights"),
        (300, {"train__epochs": 0}, "is not fine-tuned"),
        (300, {"train__unfreeze": "head"}, "is not fine-tuned"),
    ],
)
def test_else_it_has_none_and_the_reason_is_said(
    images: int, settings: dict[str, object], reason: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    assert teacher.train_teacher(project(tmp_path, images, **settings), lambda other: pytest.fail("nothing is to be trained")) == []
    assert reason in caplog.text


def test_who_wants_none_reads_nothing_of_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    assert teacher.train_teacher(project(tmp_path, teacher__run="none"), lambda other: pytest.fail("nothing is to be trained")) == []
    assert not caplog.text


@pytest.mark.parametrize(("student", "own"), [(96, 160), (128, 160), (160, 192), (192, 224), (224, 224), (320, 320)])
def test_the_teacher_sees_as_much_as_the_crops_hold(student: int, own: int) -> None:
    recipe = teacher._recipe(load(options=SMALL | {"model.image_size": student, "train.patience": 3}))
    assert recipe.model.image_size == own
    assert recipe.data.selection_fraction == 0
    assert recipe.train.patience == 0, "or the images that measure would choose its epoch"


def test_it_is_trained_once_and_recorded(
    cli: Callable[..., CliResult], made: Made, run_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the tests' own network as its teacher: what is looked at is who trains when, not how well."""

    def smaller(recipe: Recipe) -> Recipe:
        changed: dict[str, Any] = {"train.head_epochs": 1, "train.epochs": 1, "data.selection_fraction": 0.0, "teacher.run": "none"}
        return restore(recipe.model_dump(), options=changed)

    monkeypatch.setattr(teacher, "_reason_for_none", lambda project: "")
    monkeypatch.setattr(teacher, "_recipe", smaller)
    options = ["--set", "teacher.run=auto", "--no-qat", "--epochs", 1, "--set", "train.head_epochs=1", "--out", run_copy, "--json"]
    source = json.loads(made.recipe.read_text(encoding="utf-8").split("source = ")[1].splitlines()[0])
    first = cli("train", source, "--recipe", made.recipe, *options)
    assert first.code == 0, first.err
    assert "first a teacher" in first.err
    stages = re.findall(r"^stage (\d) of (\d): (training.*|fine.*|calib.*)$", first.err, re.MULTILINE)
    wanted = ["training a teacher", "fine-tuning", "calibration (ptq_int8)"]
    assert [(place, of, name.partition(",")[0]) for place, of, name in stages] == [(str(i), "4", one) for i, one in enumerate(wanted, 2)]
    facts = RunFolder(run_copy).facts("float", FloatFacts)
    assert facts.teacher is not None
    assert facts.teacher.run == "teacher"
    assert first.document["stages"]["float"]["facts"]["teacher"]["backbone"] == facts.teacher.backbone
    weights = (run_copy / "teacher" / "float.keras").read_bytes()
    again = cli("train", source, "--recipe", made.recipe, *options)
    assert again.err.count("float: done already") == 2, "the teacher's and its own"
    assert (run_copy / "teacher" / "float.keras").read_bytes() == weights
    alone = cli("train", source, "--recipe", made.recipe, *options, "--set", "teacher.run=none")
    assert alone.code == 0, alone.err
    assert RunFolder(run_copy).facts("float", FloatFacts).teacher is None
