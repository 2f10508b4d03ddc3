"""A run that learned from unknown images: its files reject them, alike in LiteRT and ONNX Runtime, and never name them as a class."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgetl.contract import Contract
from edgetl.errors import DataError
from edgetl.evaluation.validation import Validation
from edgetl.run_folder import RunFolder
from edgetl.run_record import DataFacts, FloatFacts
from edgetl.runtimes import open_session
from tests.conftest import CliResult

QUICK = ("--backbone", "small_cnn", "--alpha", "0.5", "--image-size", "32", "--weights", "none", "--seed", "1")

# Eight epochs that learn something.
EAGER = ("--head-epochs", "1", "--epochs", "8", *(f"--set=train.{one}" for one in ("learning_rate=0.01", "batch_size=16", "again_below=0")))


def _stripes(folder: Path, count: int) -> Path:
    """Write images of coloured stripes, which no digit looks like."""
    folder.mkdir()
    for number in range(count):
        random = np.random.default_rng(number)
        pixels = np.repeat(np.repeat(random.integers(0, 256, (1, 8, 3), np.uint8), 32, 0), 4, 1)
        Image.fromarray(pixels if number % 2 else pixels.transpose(1, 0, 2)).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def background(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _stripes(tmp_path_factory.mktemp("unknown") / "stripes é", 40)


@pytest.mark.usefixtures("few_digits")
def test_it_rejects_what_it_learned_to_reject(cli: Callable[..., CliResult], background: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    trained = cli("train", "digits", *QUICK, *EAGER, "--no-qat", "--background", background, "--out", run, "--json")
    assert trained.code == 0, trained.err
    exported = cli("export", run, "--json")  # which refuses operators that are not integer
    assert exported.code == 0, exported.err

    facts = RunFolder(run).facts("float", FloatFacts).rejection
    contract = Contract.read(run / "export/contract.json")
    assert facts is not None
    assert (facts.inside, facts.background > 20, facts.made > 20) == (True, True, True)
    assert contract.output.rejection == facts.rejection
    assert len(contract.class_names) == 10
    assert "_background" not in RunFolder(run).facts("data", DataFacts).class_names

    from edgetl.pipeline.project import Project

    project = Project.open(RunFolder(run))
    assert project.data.background is not None
    unseen = project.data.background.rows("val")
    known, unknown = project.data.images.pixels[project.data.rows("val")], project.data.background.pixels[unseen]
    decisions = {}
    for name in ("model_int8.tflite", "model_int8.onnx"):
        session = open_session(run / "export" / name, contract)
        decisions[name] = [contract.output.present(session(np.asarray(pixels))) for pixels in (known, unknown)]
        kept, passed = (one.any(1).mean() for one in decisions[name])
        assert passed < kept - 0.5, "stripes are rejected far more often than digits"
    assert open_session(run / "float.keras", contract)(known[:1]).shape == (1, 10), "the logit of unknown images is none of its classes"
    alike = [np.mean((one == other).all(1)) for one, other in zip(*decisions.values(), strict=True)]
    assert min(alike) >= 0.98
    imported = cli("import", run / "export" / "model_float32.onnx", "--data", "digits", "--out", tmp_path / "again")
    assert imported.code == 0, imported.err
    assert "its classes are imported without that" in imported.err
    assert cli("export", tmp_path / "again").code == 0
    validated = cli("validate", tmp_path / "again")
    assert "original and keras_float" not in validated.out + validated.err, "but for its share for unknown images it is the same"
    assert "background images that the run has learned from" in cli("evaluate", run, "--unknown", background).err

    assert f"same of {len(unseen)} unknown images %" in cli("validate", run).out
    validation = Validation.read(run / "validation.json")  # whatever the verdict on so short a training
    assert validation.unknown_images == len(unseen)
    assert all(one.same_of_unknown is not None for one in validation.pairs)


def test_nothing_is_rejected_unless_asked(cli: Callable[..., CliResult], background: Path, tmp_path: Path) -> None:
    outcome = cli("train", "digits", *QUICK, "--background", background, "--set", "reject.keep=0", "--out", tmp_path / "run")
    assert outcome.code != 0
    assert "reject.keep = 0 rejects nothing" in outcome.err


def test_background_images_are_read_before_the_training(cli: Callable[..., CliResult], tmp_path: Path) -> None:
    """What is wrong with them is no news to hear after hours of it, and what is also an image of the classes is learned against itself."""
    striped = _stripes(tmp_path / "striped", 43)
    for number, image in enumerate(sorted(striped.iterdir())):
        folder = tmp_path / ("others" if number < 3 else f"flowers/{number % 2}")
        folder.mkdir(parents=True, exist_ok=True)
        image.rename(folder / image.name)
    flowers, others = tmp_path / "flowers", tmp_path / "others"
    (others / "copy.png").write_bytes(next((flowers / "0").iterdir()).read_bytes())
    broken = others / "broken.png"
    broken.write_text("no image")
    command = (
        "train",
        flowers,
        *QUICK,
        "--epochs",
        "1",
        "--head-epochs",
        "1",
        "--no-qat",
        "--background",
        others,
        "--out",
        tmp_path / "run",
    )
    refused = cli(*command)
    assert refused.code == DataError.exit_code, refused.err
    assert "broken.png" in refused.err
    assert "head:" not in refused.err
    broken.unlink()
    trained = cli(*command)
    assert trained.code == 0, trained.err
    assert "1 of 4 background images is an image of the classes too" in trained.err
