"""The network of a model file is trained under a new head, in place of a backbone; the run keeps it, and needs the file no more."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import edgetl
from edgetl.evaluation.validation import Validation
from edgetl.float_record import NetworkFacts
from edgetl.pipeline.imported.heads import Heads
from edgetl.pipeline.imported.search import Feeding, search
from edgetl.pipeline.project import Project
from edgetl.run_record import FloatFacts
from tests.conftest import CliResult, Made

SHORT = ("--no-qat", "--epochs", "1", "--head-epochs", "20", "--seed", "3")
LESS = (
    *("--set", "data.max_bad_fraction=0.1", "--set", "quantize.ranges=minmax", "--set", "quantize.calibration_images=32"),
    *("--set", "validation.timed_runs=2"),
)


def test_a_file_is_trained_under_a_new_head_and_then_not_needed(
    cli: Callable[..., CliResult], made: Made, digit_folder: Path, tmp_path: Path
) -> None:
    file, run = tmp_path / "somebody's.onnx", tmp_path / "run"
    shutil.copy(made.run / "export" / "model_float32.onnx", file)
    command = ("train", digit_folder, "--weights", file, *SHORT, *LESS, "--unfreeze", "1-block", "--out", run)
    done = cli(*command)
    assert done.code == 0, done.err
    assert "in place of a backbone" in done.err
    project, theirs = Project.open(run), Project.open(made.run)
    facts = project.run.facts("network", NetworkFacts)
    assert project.recipe.model.imported
    assert (project.recipe.imported.preprocessing, project.recipe.model.image_size) == (facts.imported.preprocessing, 32)
    assert facts.norms == 3
    assert facts.features == theirs.models.float_model.layers[-1].input_shape[1:]
    assert facts.imported.sha256 == edgetl.importing.identity(file)  # type: ignore[attr-defined]
    assert project.run.facts("float", FloatFacts).imported is None
    file.unlink()
    again = cli(*command)
    assert again.code == 0, again.err
    assert "float: done already" in again.err
    assert "network:" not in again.err.replace("network: done already", "")
    opened = edgetl.Run(run)
    opened.export(precisions=["int8"], formats=["tflite"])
    opened.validate()
    assert "original" not in Validation.read(project.run.validation).subjects


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("train", "digits", "--weights", "no.onnx"), "there is no model"),
        (("train", "digits", "--weights", "model.onnx", "--backbone", "mobilenet_v1"), "leave --backbone and --alpha out"),
        (("train", "digits", "--weights", "model.onnx", "--alpha", "0.5"), "leave --backbone and --alpha out"),
        (("train", "digits", "--weights", "model.onnx", "--baseline", "scratch"), "--baseline head-only"),
        (("train", "digits", "--weights", "model.onnx", "--set", "model.pooling=max"), "model.pooling"),
        (("train", "digits", "--weights", "model.onnx", "--set", "imported.class_names=a.txt"), "class_names"),
        (("train", "digits", "--preprocessing", "raw"), "--weights"),
        (("train", "digits", "--backbone", "imported"), "there is no model"),
        (("pretrain", "digits", "--weights", "model.onnx"), "edgetl train DATA --weights"),
        (("tune", "digits", "--set", "model.weights=model.onnx"), "edgetl train DATA --weights"),
    ],
)
def test_what_cannot_be_trained_is_an_error(
    cli: Callable[..., CliResult], made: Made, arguments: tuple[str, ...], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(made.run / "export" / "model_float32.onnx", tmp_path / "model.onnx")
    monkeypatch.chdir(tmp_path)
    done = cli(*arguments)
    assert done.code != 0
    assert reason in done.err
    assert "Traceback" not in done.err
    assert not list(tmp_path.glob("runs/*/run.json")), "nothing is written before mistakes show"


def test_heads_on_its_features_tell_how_a_network_is_fed(made: Made) -> None:
    """Our ONNX files take pixels as they are: divided by 10^9 they vanish beside the biases, in float32, and say nothing."""
    from dataclasses import replace

    from edgetl.importing import read
    from edgetl.importing.base import Wish
    from edgetl.importing.convention import convention
    from edgetl.importing.features import without_classifier

    project = Project.open(made.run)
    imported = read(made.run / "export" / "model_float32.onnx", Wish(features=True))
    rows = np.random.default_rng(0).permutation(project.data.images.rows("train"))
    label_ids = project.data.images.label_ids[rows].astype(np.int64)
    heads = Heads(replace(imported, model=without_classifier(imported.model)), np.asarray(project.data.images.pixels[rows]), label_ids, 3)
    ways = [Feeding(convention(one, 3), "crop") for one in ("0/1000000000", "raw")]
    found = search(ways, heads, label_ids, ())
    assert found.chosen.convention.name == "raw"
    assert "lowest loss" in found.reason
