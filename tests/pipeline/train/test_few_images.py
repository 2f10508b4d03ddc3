"""Sets with few images of each class are trained on, say that nothing was chosen by them, and give no traceback."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import CliResult

Cli = Callable[..., CliResult]
SMALL = ("--backbone", "small_cnn", "--image-size", 32, "--weights", "none", "--epochs", 1, "--no-qat", "--set", "train.head_epochs=1")


@pytest.fixture
def few(digit_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Path]:
    """Return a function that makes a folder of noughts and ones, so many of each."""
    monkeypatch.chdir(tmp_path)

    def make(count: int) -> Path:
        for name in ("0", "1"):
            (tmp_path / "few" / name).mkdir(parents=True)
            for path in sorted(next(digit_folder.rglob(name)).glob("*.png"))[:count]:
                shutil.copy(path, tmp_path / "few" / name)
        return tmp_path / "few"

    return make


def test_two_images_a_class_leave_none_to_choose_by(cli: Cli, few: Callable[[int], Path]) -> None:
    trained = cli("train", few(2), *SMALL, "--out", "run", "--json")
    assert trained.code == 0, trained.err
    assert "no training image can be spared to choose by" in trained.err
    assert "right on 2 validation images" in trained.err
    assert trained.document["stages"]["float"]["facts"]["held_out"] == 0


def test_what_is_judged_by_is_named_in_each_training(cli: Cli, few: Callable[[int], Path]) -> None:
    trained = cli("train", few(6), *SMALL, "--out", "run")
    assert trained.code == 0, trained.err
    lines = trained.err.splitlines()
    first, second = (next(line for line in lines if line.startswith(f"{name}: epoch 1/1")) for name in ("fine-tuning", "training on all"))
    assert ("held-out image" in first, "validation image" in second) == (True, True)
    chosen, again = (next(number for number, line in enumerate(lines) if start in line) for start in ("float model:", "training again"))
    assert chosen < again or "the head again" in lines[again], "it is said before the images that chose are learned from"
    assert {folder.name for folder in Path("run/tensorboard").iterdir()} >= {"head", "fine-tuning", "on_all"}, "both trainings have curves"
    exported = cli("export", "run", "--int8")
    assert exported.code == 0, exported.err
    assert "no other was made; on 2 training images" in exported.err, "not held-out ones: they were learned from by then"


def test_trials_need_images_of_their_own(cli: Cli, few: Callable[[int], Path]) -> None:
    refused = cli("train", few(3), *SMALL, "--unfreeze", "auto", "--out", "run")
    assert refused.code == 2
    assert "--unfreeze all" in refused.err
