"""`edgetl train --baseline`: a second training, compared and said."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgetl.recipe import load
from edgetl.run_folder import RunFolder
from edgetl.run_record import BaselineFacts
from tests.conftest import CliResult, Made

Cli = Callable[..., CliResult]


def again(run: Path) -> list[str]:
    """Return the words that train a finished run again, so that nothing of it is left to do."""
    recipe = RunFolder(run).read().to_json()["recipe"]
    words = ["train", recipe["data"]["source"], "--out", str(run)]
    for table in ("data", "model", "train", "reject", "augment", "quantize", "validation"):
        for key, value in recipe[table].items():
            if (table, key) != ("data", "source"):
                words += ["--set", f"{table}.{key}={str(value).lower() if isinstance(value, bool) else value}"]
    return words


def test_head_only_is_trained_beside_the_run_and_compared(cli: Cli, run_copy: Path) -> None:
    outcome = cli(*again(run_copy), "--baseline", "head-only", "--json")
    assert outcome.code == 0, outcome.err
    assert "float: done already" in outcome.err, "the run itself is not trained again"
    facts = RunFolder(run_copy).facts("baseline_head_only", BaselineFacts)
    assert outcome.document["stages"]["baseline_head_only"]["facts"] == facts.model_dump(mode="json")
    assert f"against head-only: {facts.verdict}" in outcome.err
    assert facts.other.budget.epochs == 0
    assert facts.other.budget.head_epochs == facts.run.budget.head_epochs + facts.run.budget.epochs
    difference = facts.run.top1_accuracy - facts.other.top1_accuracy
    assert facts.gain_points == pytest.approx(100 * difference)
    assert facts.only_run - facts.only_baseline == round(difference * facts.images)
    assert (run_copy / "baseline-head-only" / "float.keras").exists()
    text = cli(*again(run_copy), "--baseline", "head-only")
    assert "baseline_head_only: done already" in text.err
    assert "McNemar" in text.out


def test_a_verdict_needs_a_difference_that_is_shown() -> None:
    from edgetl.pipeline.train.baseline import _meaning, _recipe

    assert _meaning("scratch", 3.0, shown=True) == "transfer helps"
    assert _meaning("scratch", -3.0, shown=True) == "negative transfer, transfer hurts"
    assert "no difference is shown" in _meaning("head-only", -3.0, shown=False)
    recipe = load()
    scratch = _recipe(recipe, "scratch", 5)
    assert (scratch.model.weights, scratch.train.head_epochs, scratch.train.epochs) == ("none", 0, 6)
    assert scratch.train.learning_rate > recipe.train.learning_rate
    assert scratch.augment == recipe.augment


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--baseline", "scrach"], "did you mean 'scratch'?"),
        (["--baseline", "scratch", "--weights", "none"], "from random weights itself"),
        (["--baseline", "head-only", "--epochs", "0"], "has no fine-tuning"),
    ],
)
def test_a_baseline_that_says_nothing_is_a_message(cli: Cli, tmp_path: Path, options: list[str], words: str) -> None:
    outcome = cli("train", "digits", "--out", tmp_path / "run", *options)
    assert outcome.code == 2
    assert words in outcome.err
    assert not (tmp_path / "run").exists(), "said before anything is trained"


@pytest.mark.slow
def test_scratch_loses_on_a_hundred_images(cli: Cli, pretrained: Made, tmp_path: Path) -> None:
    run = shutil.copytree(pretrained.run, tmp_path / "run")
    outcome = cli(*again(run), "--baseline", "scratch", "--json")
    assert outcome.code == 0, outcome.err
    facts = RunFolder(run).facts("baseline_scratch", BaselineFacts)
    assert facts.gain_points > 0
    assert "transfer helps" in facts.verdict
    assert np.isfinite(facts.other.loss)
    shutil.rmtree(run)
