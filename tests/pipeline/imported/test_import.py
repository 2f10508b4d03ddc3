"""A model file from elsewhere becomes a run like any other: a model of ours, exported and imported, predicts what it did."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import edgetl
from edgetl.evaluation.validation import Validation
from edgetl.pipeline.project import Project
from edgetl.run_record import FloatFacts
from tests.conftest import CliResult, Made
from tests.importing.conftest import Onnx


def test_a_file_becomes_a_run_that_is_exported_and_validated(
    cli: Callable[..., CliResult], made: Made, digit_folder: Path, tmp_path: Path
) -> None:
    """Our ONNX files take raw pixels and normalize inside, which becomes part of the first layer."""
    file, run = tmp_path / "somebody's.onnx", tmp_path / "run"
    shutil.copy(made.run / "export" / "model_float32.onnx", file)
    less = ("--set", "quantize.ranges=minmax", "--set", "quantize.calibration_images=32", "--set", "validation.timed_runs=2")
    done = cli("import", file, "--data", digit_folder, "--no-qat", "--set", "data.max_bad_fraction=0.1", *less, "--out", run)
    assert done.code == 0, done.err
    assert "raw" in done.err
    project, theirs = Project.open(run), Project.open(made.run)
    facts = project.run.facts("float", FloatFacts).imported
    assert facts is not None
    assert (facts.preprocessing, facts.resize, facts.file) == ("raw", "crop", file.name)
    assert facts.reached is not None
    assert f"{file.name}: {facts.reached}" in done.err
    label_ids = project.data.images.label_ids[project.data.measuring_rows()]
    assert facts.reached.right == (project.models.float_predictions.argmax(axis=1) == label_ids).sum()
    assert project.contract.class_names == theirs.contract.class_names
    assert np.abs(project.models.float_predictions - theirs.models.float_predictions).max() < 1e-4
    opened = edgetl.Run(run)
    opened.export(precisions=["int8"], formats=["tflite"])
    opened.validate()
    validation = Validation.read(project.run.validation)
    assert next(iter(validation.subjects)) == "original"
    assert validation.passed, validation.failures
    assert validation.costs["tflite_int8"].passed
    [pair] = [one for one in validation.pairs if one.tolerance.first == "original"]
    assert pair.agreement.top1_agreement == 1
    file.unlink()
    opened.validate()
    assert "not there any more" in (why := Validation.read(project.run.validation).unverified["original"])
    assert "restore the original file" in why


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_a_quantized_file_keeps_its_integers(
    cli: Callable[..., CliResult], made: Made, digit_folder: Path, tmp_path: Path, kind: str
) -> None:
    """Nothing is calibrated or trained, and everything that follows says so: its files predict what the original does."""
    file, run = tmp_path / f"theirs.{kind}", tmp_path / "run"
    shutil.copy(made.run / "export" / f"model_int8.{kind}", file)
    given = ("import", file, "--data", digit_folder, "--set", "data.max_bad_fraction=0.1", "--out", run)
    for senseless, reason in ((("--qat",), "quantization-aware training"), (("--set", "quantize.ranges=mse"), "other ranges")):
        refused = cli(*given, *senseless)
        assert refused.code != 0
        assert reason in refused.err
        assert "import the float model" in refused.err
        assert not run.exists()
    done = cli(*given, "--set", "validation.timed_runs=2")
    assert done.code == 0, done.err
    project = Project.open(run)
    assert [*project.run.read().stages] == ["data", "float", "own_int8"]
    facts = project.run.facts("float", FloatFacts).imported
    assert facts is not None
    assert (facts.quantized, facts.same_at_borders) == (True, True)
    assert (project.contract.scale, project.contract.zero_point) == pytest.approx(grid_of(made))
    assert "nothing was calibrated or trained" in done.err + done.out
    refused = cli("export", run, "--float32")
    assert refused.code != 0
    assert "quantized already" in refused.err
    opened = edgetl.Run(run)
    opened.export()
    opened.validate()
    validation = Validation.read(project.run.validation)
    assert [*validation.subjects] == ["original", "keras_float", "tflite_int8", "onnx_int8"]
    assert validation.passed, validation.failures
    assert "nothing was calibrated or trained" in validation.chosen_by
    same = {one.tolerance.second: one.agreement for one in validation.pairs if one.tolerance.first == "original"}
    assert (same[f"{kind}_int8"].top1_agreement, same[f"{kind}_int8"].max_steps) == (1, 0)
    assert {one.top1_agreement for one in same.values()} == {1}


def test_images_may_be_of_some_classes(cli: Callable[..., CliResult], made: Made, digit_folder: Path, tmp_path: Path) -> None:
    """The file's metadata names all; what is opened again gives each image the same class."""
    run, photos = tmp_path / "run", tmp_path / "photos"
    for name in ("0", "2"):
        shutil.copytree(digit_folder / name, photos / name)
    less = ("--set", "quantize.ranges=minmax", "--set", "quantize.calibration_images=16")
    done = cli("import", made.run / "export" / "model_float32.onnx", "--data", photos, "--no-qat", *less, "--out", run)
    assert done.code == 0, done.err
    assert "images of 2 of the network's 3 classes, and none of:\n  1" in done.err
    images = Project.open(run).data.trained_images()
    assert images.class_names == ("0", "1", "2")
    assert set(images.label_ids.tolist()) == {0, 2}


def grid_of(made: Made) -> tuple[float, int]:
    contract = Project.open(made.run).contract
    return contract.scale, contract.zero_point


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("no.onnx", "--data", "digits"), "there is no"),
        (("none.onnx",), "the file is empty"),
        (("model.onnx", "--data", "digits", "--set", "compress.sparsity=0.5"), "edgetl train DATA --weights"),
        (("model.onnx", "--data", "digits", "--set", "data.limit=2", "--class-names", "ten.txt"), "10 class names"),
        (("random.onnx",), "--preprocessing"),
        (("model.onnx", "--set", 'export.precisions=["int8"]'), "--data"),
        (("model.onnx", "--class-names", "two.txt"), "2 class names"),
        (("model.onnx", "--data", "empty", "--set", "data.layout=unlabelled"), "no image"),
        (("model.onnx", "--data", "digits"), "3 outputs"),
        (("model.onnx", "--data", "digits", "--size", "48"), "imported.size"),
        (("model.onnx", "--data", "digits", "--resize", "pad"), "imported.resize"),
    ],
)
def test_what_cannot_be_imported_is_an_error(
    cli: Callable[..., CliResult], made: Made, arguments: tuple[str, ...], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(made.run / "export" / "model_float32.onnx", tmp_path / "model.onnx")
    graph = Onnx()
    graph.save(tmp_path / "random.onnx", graph.head(graph.convolution("image"), 6))
    (tmp_path / "two.txt").write_text("one\ntwo\n", encoding="utf-8")
    (tmp_path / "ten.txt").write_text("\n".join("0123456789"), encoding="utf-8")
    (tmp_path / "none.onnx").touch()
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    done = cli("import", *arguments)
    assert done.code != 0
    assert reason in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "runs").exists(), "nothing is written before mistakes show"


def test_what_a_file_is_not_is_said_before_any_work(cli: Callable[..., CliResult], made: Made, digit_folder: Path, tmp_path: Path) -> None:
    refused = cli(
        "import", made.run / "export" / "model_float32.onnx", "--data", digit_folder, "--size", "48x52", "--out", tmp_path / "run"
    )
    assert refused.code == 2
    assert "leave --size and --image-size out" in refused.err
    (tmp_path / "net.pth").write_bytes(b"anything")
    refused = cli("train", digit_folder, "--weights", tmp_path / "net.pth", "--out", tmp_path / "run")
    assert refused.code == 12
    assert "torch.onnx.export" in refused.err
    assert not (tmp_path / "run").exists()
