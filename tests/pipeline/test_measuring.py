"""A source with a test split is measured there, everywhere; nothing that is shown is of images that chose."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edgetl.evaluation.validation import Validation
from edgetl.run_folder import RunFolder
from edgetl.run_record import DataFacts
from tests.conftest import CliResult


@pytest.mark.slow
def test_the_test_split_is_the_headline_everywhere(cli: Callable[..., CliResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    small = ("--backbone", "small_cnn", "--weights", "none", "--image-size", 32, "--epochs", 4, "--no-qat", "--baseline", "head-only")
    settings = ("--set", "data.test_fraction=0.2", "--set", "train.head_epochs=5")
    trained = cli("train", "digits", *small, *settings, "--out", "runs/a")
    assert trained.code == 0, trained.err
    assert cli("export", "runs/a", "--int8").code == 0
    assert cli("validate", "runs/a").code in (0, 7)
    run = RunFolder(Path("runs/a"))
    count = run.facts("data", DataFacts).images("test")
    images = f"{count} test images, of which one is {100 / count:.2f} points"
    assert images in trained.err, "the baseline is compared there"
    validation = Validation.read(run.validation)
    assert (validation.split, validation.images, validation.measured_on) == ("test", count, images)
    assert f"on images that chose nothing: {images}." in validation.chosen_by
    choice = run.read().integer_choice()
    assert choice is not None
    assert choice.chosen.top1_accuracy == validation.main_model.accuracy.top1_accuracy
    evaluation = cli("evaluate", "runs/a", "--json").document
    assert (evaluation["split"], evaluation["chosen_by"]) == ("test", validation.chosen_by)
    assert cli("evaluate", "runs/a", "--split", "val", "--json").document["chosen_by"] == "", "these images do neither"
    assert f"{count} test" in cli("runs").out
    assert cli("card", "runs/a").code == 0
    assert images in Path("runs/a/card.md").read_text(encoding="utf-8")
    assert cli("report", "runs/a", "--format", "md", "--out", "report.md").code == 0
    assert images in Path("report.md").read_text(encoding="utf-8")
    assert images in cli("show", "runs/a").out
