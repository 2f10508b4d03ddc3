"""A backbone of one's own: `edgetl pretrain` on noughts, ones and twos, `edgetl train` on from it, on the same."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgetl.workspace import Run
from tests.conftest import Answer

Cli = Callable[..., Answer]
SETTINGS = ("--set", "data.max_bad_fraction=0.1", "--set", "augment.flip=false", "--set", "train.learning_rate=3e-3", "--image-size", 32)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_backbone_is_pretrained_and_trained_on_from(cli: Cli, here: Path, digit_folder: Path) -> None:
    small = ("--backbone", "small_cnn", "--alpha", 0.5)
    pretrain = ("pretrain", digit_folder, *small, *SETTINGS, "--epochs", 3, "--out", "own.npz")
    made = cli(*pretrain, "--json")
    assert made.code == 0, made.err
    assert made.document["file"] == "own.npz"
    with np.load("own.npz", allow_pickle=False) as saved:
        assert '"backbone": "small_cnn"' in str(saved["header"])
        assert '"alpha": 0.5' in str(saved["header"])
    run = Path(made.document["run"])
    assert run.parent == Path("runs/pretrained"), "commands that take the newest run do not take this one"
    assert (run / "backbone.npz").read_bytes() == Path("own.npz").read_bytes()
    assert not list(run.glob("checkpoint-*"))
    assert "backbone: done already" in cli(*pretrain).err

    head = ("--set", "model.dense=[16]", "--set", "model.pooling=flatten", "--set", "model.l2=1e-4")
    trained = cli("train", digit_folder, *small, *SETTINGS, *head, "--weights", "own.npz", "--epochs", 0, "--no-qat", "--out", "run")
    assert trained.code == 0, trained.err
    assert Run(Path("run")).stage("float")["facts"]["head_val_accuracy"] >= 0.8, (
        "three digits, from features that know them: chance is a third"
    )
    refused = cli("train", digit_folder, "--backbone", "small_cnn", *SETTINGS, "--weights", "own.npz", "--out", "other")
    assert refused.code == 4
    assert "own.npz holds small_cnn at alpha 0.5" in refused.err


def test_a_file_of_another_suffix_is_refused(cli: Cli, here: Path) -> None:
    answer = cli("pretrain", "digits", "--backbone", "small_cnn", "--out", "own.h5")
    assert answer.code == 2
    assert ".npz" in answer.err
