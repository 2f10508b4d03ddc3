"""`edgetl learning-curve` on small images."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgetl.evaluation.results import LearningCurve
from edgetl.pipeline.evaluate.learning_curve import _part
from edgetl.run_folder import RunFolder
from edgetl.run_record import DataFacts
from tests.conftest import CliResult

Cli = Callable[..., CliResult]


@pytest.mark.usefixtures("few_digits")
def test_it_grows_repeats_and_leaves_a_run_to_train_in(cli: Cli, tmp_path: Path) -> None:
    command = ("learning-curve", "digits", "--out", tmp_path / "run", "--backbone", "efficientnet_lite0", "--image-size", 32, "--seeds", 2)
    options = ("--set", "augment.flip=false", "--set", "train.head_epochs=15", "--json")
    outcome = cli(*command, *options)
    assert outcome.code == 0, outcome.err
    document, run = outcome.document, RunFolder(tmp_path / "run")
    sizes = [point["images"] for point in document["points"]]
    assert len(sizes) == 5
    assert sizes[-1] == run.facts("data", DataFacts).counts["train"]
    for small, large in pairwise(sizes):
        assert large == pytest.approx(2 * small, rel=0.1)
    accuracies = [point["accuracy"] for point in document["points"]]
    assert accuracies[0] < accuracies[2] < accuracies[4]
    low, high = document["doubled"]["gain_interval_95"]
    assert low <= document["doubled"]["gain_points"] <= high
    with Image.open(run.learning_curve_plot) as plot:
        assert plot.info["Description"] == document["plot_description"]
    assert "Twice as many images" in document["plot_description"]
    again = cli(*command, *options)
    assert "features:" not in again.err, "computed once"
    assert again.document == document
    assert {"run": str(run.path)} | LearningCurve.read(run.learning_curve).to_json() == document


def test_parts_are_stratified_and_nested() -> None:
    labels = np.repeat([0, 1, 2], [160, 32, 3])
    rows = np.arange(195)
    parts = [_part(labels, rows, fraction, seed=4) for fraction in (1 / 16, 1 / 8, 1 / 2, 1)]
    assert [np.bincount(labels[part]).tolist() for part in parts] == [[10, 2, 1], [20, 4, 1], [80, 16, 2], [160, 32, 3]]
    for small, large in pairwise(parts):
        assert set(small) <= set(large)
    assert set(_part(labels, rows, 1 / 2, seed=5)) != set(parts[2])
