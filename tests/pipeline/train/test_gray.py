"""Training on gray images: one channel from the contract to the files."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edgetl.contract import Contract
from tests.conftest import CliResult

Cli = Callable[..., CliResult]
GRAY = ("--set", "model.channels=gray")


def test_a_gray_run_is_gray_to_its_files(cli: Cli, digit_folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    small = ("--backbone", "small_cnn", "--weights", "none", "--image-size", 32, "--epochs", 1, "--no-qat")
    made = cli("train", digit_folder, "--out", run, *small, *GRAY, "--set", "train.head_epochs=2", "--set", "data.max_bad_fraction=0.1")
    assert made.code == 0, made.err
    assert cli("export", run, "--int8", "--formats", "tflite").code == 0
    assert Contract.read(run / "contract.json").shape == (32, 32, 1)
    from edgetl.importing.tflite_reader import read

    [graph] = read((run / "export" / "model_int8.tflite").read_bytes()).subgraphs
    assert list(graph.tensors[graph.inputs[0]].shape) == [1, 32, 32, 1]
    shown = cli("show", run)
    assert "gray" in shown.out + shown.err
    image = next(digit_folder.rglob("*.png"))
    assert cli("predict", run, image).code == 0


def test_backbones_are_pretrained_in_colour(cli: Cli, digit_folder: Path, tmp_path: Path) -> None:
    outcome = cli("pretrain", digit_folder, "--backbone", "small_cnn", *GRAY, "--out", tmp_path / "x.npz")
    assert outcome.code == 2
    assert "is pretrained on colours" in outcome.err


@pytest.mark.parametrize(("given", "wanted"), [(1, 3), (3, 1), (3, 3)])
def test_a_teacher_sees_images_in_its_own_channels(given: int, wanted: int) -> None:
    from edgetl.keras import tf

    from edgetl.pipeline.train.teacher import _in_channels

    assert _in_channels(tf.ones((2, 4, 4, given)), wanted).shape == (2, 4, 4, wanted)
