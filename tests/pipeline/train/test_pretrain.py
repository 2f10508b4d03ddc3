"""A backbone of one's own: `edgetl pretrain` on noughts, ones and twos, `edgetl train` on from it, on the same."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgetl.float_record import FloatChoice, UnfreezeFacts
from edgetl.pipeline.project import Project
from edgetl.run_folder import RunFolder
from edgetl.run_record import FloatFacts
from edgetl.training import team
from edgetl.training.team import ALONE, Team
from tests.conftest import CliResult

Cli = Callable[..., CliResult]
SETTINGS = ("--set", "data.max_bad_fraction=0.1", "--set", "augment.flip=false", "--set", "train.learning_rate=3e-3", "--image-size", 32)
SETTINGS += ("--set", "quantize.ranges=minmax")


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
    assert _head_accuracy(Path("run")) >= 0.8, "three digits, from features that know them: chance is a third"
    choice = _never_below_the_head(cli, digit_folder, (*small, *SETTINGS, *head, "--weights", "own.npz"))
    assert choice.images >= 3, "of each class at least one chose"
    refused = cli("train", digit_folder, "--backbone", "small_cnn", *SETTINGS, "--weights", "own.npz", "--out", "other")
    assert refused.code == 4
    assert "own.npz holds small_cnn at alpha 0.5" in refused.err


def test_a_file_of_another_suffix_is_refused(cli: Cli, here: Path) -> None:
    outcome = cli("pretrain", "digits", "--backbone", "small_cnn", "--out", "own.h5")
    assert outcome.code == 2
    assert ".npz" in outcome.err


def test_several_workers_are_refused(cli: Cli, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of them would wait for the others for ever."""
    monkeypatch.setattr(team, "team", lambda _: Team(ALONE.strategy, 0, 2))
    outcome = cli("pretrain", "digits", "--backbone", "small_cnn")
    assert outcome.code == 2
    assert "TF_CONFIG" in outcome.err


def test_a_recipe_pretrains_what_it_starts_from_and_tries_what_to_unfreeze(cli: Cli, here: Path, digit_folder: Path) -> None:
    text = """
    [model]
    backbone = "small_cnn"
    alpha = 0.5
    image_size = 32
    weights = "made.npz"
    [train]
    head_epochs = 3
    epochs = 2
    batch_size = 16
    [pretrain.train]
    head_epochs = 0
    epochs = 9
    [quick.pretrain.train]
    epochs = 1
    """
    Path("recipe.toml").write_text(text, encoding="utf-8")
    train = ("train", digit_folder, "--recipe", "recipe.toml", *SETTINGS, "--no-qat", "--unfreeze", "auto", "--out", "run")
    done = cli(*train, "--quick")
    assert done.code == 0, done.err
    assert Path("made.npz").is_file()
    pretrained = RunFolder.open(next(Path("runs/pretrained").iterdir()))
    backbone = pretrained.facts("backbone", FloatFacts).fine_tuning
    assert backbone
    assert len(backbone.epochs) == 1
    facts = RunFolder(Path("run")).facts("unfreeze", UnfreezeFacts)
    assert len(facts.trials) == 6, "the head, one, two and all three blocks, then two other rates"
    assert "unfreeze" not in pretrained.read().stages, "from random weights all must learn"
    assert facts.chosen.loss == min(trial.loss for trial in facts.trials)
    assert not list(Path("run").glob("checkpoint-*"))
    again = cli(*train, "--quick").err
    for stage in ("backbone", "unfreeze", "float"):
        assert f"{stage}: done already" in again


def test_nothing_unfrozen_leaves_the_backbone_as_it_was(cli: Cli, here: Path, digit_folder: Path) -> None:
    small = ("--backbone", "small_cnn", "--alpha", 0.5, "--weights", "none", "--set", "train.head_epochs=2", "--no-qat")
    done = cli("train", digit_folder, *small, *SETTINGS, "--unfreeze", "none", "--epochs", 5, "--out", "run")
    assert done.code == 0, done.err
    facts = RunFolder(Path("run")).facts("float", FloatFacts)
    assert facts.head
    assert len(facts.head.epochs) == 2
    assert facts.fine_tuning is None, "there is no fine-tuning"
    refused = cli("train", digit_folder, *small, *SETTINGS, "--unfreeze", "9-blocks", "--out", "other")
    assert refused.code == 2
    assert "small_cnn has 1 to 3 blocks" in refused.err


def _never_below_the_head(cli: Cli, data: Path, options: tuple[object, ...]) -> FloatChoice:
    """A rate that ruins the network leaves the head, which says so, and whose figures are those of the head alone."""
    ruinous = (*options, "--set", "train.learning_rate=5", "--epochs", 1, "--no-qat", "--out", "ruined")
    ruined = cli("train", data, *ruinous)
    assert ruined.code == 0, ruined.err
    facts = RunFolder(Path("ruined")).facts("float", FloatFacts)
    assert facts.choice
    assert facts.choice.kept == "head"
    assert "the head alone" in ruined.err
    assert facts.trained_again
    weights = [Project.open(Path(run)).models.float_model.get_layer("logits").kernel for run in ("run", "ruined")]
    np.testing.assert_allclose(*weights, rtol=1e-4, atol=1e-6)
    return facts.choice


def _head_accuracy(run: Path) -> float:
    head = RunFolder(run).facts("float", FloatFacts).head
    assert head
    assert head.best
    return head.best.val_accuracy
