"""A network is imported without labels, or without any images: what is then measured is agreement, and that is said."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import edgetl
from edgetl.errors import UsageError
from edgetl.evaluation.validation import Validation
from edgetl.pipeline.imported.class_names import class_names_of
from edgetl.pipeline.project import Project
from edgetl.pipeline.runs import runs
from edgetl.run_record import DataFacts
from tests.conftest import CliResult, Made


@pytest.fixture
def photos(digit_folder: Path, tmp_path: Path) -> Path:
    """Return a folder of digits without class folders, and a file that is not an image."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("0", "1", "2"):
        for number, file in enumerate(sorted((digit_folder / name).glob("digits*.png"))[:12]):
            shutil.copy(file, folder / f"{number:02}-{name}.png")
    (folder / "readme.txt").write_text("photos", encoding="utf-8")
    return folder


def test_images_without_labels_calibrate_and_compare(cli: Callable[..., CliResult], made: Made, photos: Path, tmp_path: Path) -> None:
    file, run = tmp_path / "theirs.onnx", tmp_path / "runs" / "run"
    shutil.copy(made.run / "export" / "model_float32.onnx", file)
    less = ("--set", "quantize.ranges=minmax", "--set", "validation.timed_runs=2")
    done = cli("import", file, "--data", photos, "--no-qat", *less, "--out", run)
    assert done.code == 0, done.err
    assert "no labels: accuracy is not measured" in " ".join((done.out + done.err).split())
    project = Project.open(run)
    data = project.run.facts("data", DataFacts)
    assert (data.truth, sum(data.counts.values()), data.class_names) == ("original", 36, ("0", "1", "2")), "the file's own names"
    assert min(data.counts["train"], data.counts["val"]) > 0
    opened = edgetl.Run(run)
    opened.export(precisions=["int8"], formats=["tflite"])
    done = cli("validate", run)
    assert done.code == 0, done.err
    assert "as original %" in done.out
    assert "top-1" not in done.out
    validation = Validation.read(project.run.validation)
    assert validation.truth == "original"
    assert validation.passed, validation.failures
    assert validation.subjects["original"].accuracy.top1_accuracy == validation.float_model.accuracy.top1_accuracy == 1
    assert "There are no labels" in validation.chosen_by
    [row] = runs(run.parent, ("int8_top1", "measured_on", "alpha"), "created")
    assert (row.cells["int8_top1"], row.cells["alpha"]) == (None, None)
    assert "unlabelled" in row.cells["measured_on"]
    card = (opened.card().folder / "card.md").read_text(encoding="utf-8")
    assert "theirs.onnx" in card
    assert "as original %" in card
    assert "alpha" not in card
    for setting in ("data.layout=unlabelled", "quantize.qat=false", "quantize.ranges=minmax", "validation.timed_runs=2"):
        assert f"--set {setting} " in card, "the command makes the same run"
    page = opened.report(form="md").path.read_text(encoding="utf-8")
    assert "there are no labels: accuracy is not measured" in page
    assert "alpha" not in page.partition("Provenance")[0]
    with pytest.raises(UsageError, match="no labels"):
        opened.evaluate()
    (photos / "00-0.png").unlink()
    assert cli("validate", run).code != 0, "an image is missing"


def test_without_images_float_files_are_compared_on_noise(cli: Callable[..., CliResult], made: Made, tmp_path: Path) -> None:
    file, run = tmp_path / "theirs.onnx", tmp_path / "run"
    shutil.copy(made.run / "export" / "model_float32.onnx", file)
    done = cli("import", file, "--set", "validation.timed_runs=2", "--out", run)
    assert done.code == 0, done.err
    assert "no images to calibrate int8 on" in done.err
    assert cli("export", run, "--float32", "--formats", "tflite").code == 0
    done = cli("validate", run)
    assert done.code == 0, done.err
    assert "images of noise" in done.out
    done = cli("export", run, "--int8")
    assert done.code == UsageError.exit_code
    assert "--data DATA" in done.err
    assert cli("sensitivity", run).code == UsageError.exit_code
    assert "There were no images" in (edgetl.Run(run).card().folder / "card.md").read_text(encoding="utf-8")


def test_outputs_without_labels_are_named_by_a_file_by_metadata_or_by_numbers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "names.txt"
    file.write_text("crane\ncow\ncrane\n", encoding="utf-8")
    assert class_names_of(str(file), (), (), 3) == ("crane (0)", "cow", "crane (2)")
    assert class_names_of("", ("a", "b"), (), 2) == ("a", "b")
    assert class_names_of("", ("a", "b"), (), 3) == ("class 0", "class 1", "class 2")
    assert "not used" in caplog.text
    with pytest.raises(UsageError, match="2 outputs"):
        class_names_of(str(file), (), (), 2)
