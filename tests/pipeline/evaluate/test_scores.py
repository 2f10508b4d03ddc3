"""`edgetl evaluate` on a finished run."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import accuracy_score, f1_score

from edgetl.evaluation.results import Evaluation
from edgetl.evaluation.scores import score
from edgetl.pipeline.evaluate.features import probe_settings, starting_features
from edgetl.pipeline.project import Project
from edgetl.run_folder import RunFolder
from edgetl.training.probe import folds, out_of_fold
from tests.conftest import CliResult

Cli = Callable[..., CliResult]


def test_the_files_are_scored_on_the_validation_images(cli: Cli, run_copy: Path) -> None:
    outcome = cli("evaluate", run_copy, "--cv", 3, "--json")
    assert outcome.code == 0, outcome.err
    document, run = outcome.document, RunFolder(run_copy)
    assert Evaluation.read(run.evaluation).to_json() == document
    assert list(document["models"]) == ["tflite_int8", "tflite_float32"]
    validated = json.loads(run.validation.read_text(encoding="utf-8"))["subjects"]
    for name, one in document["models"].items():
        assert one["top1_accuracy"]["value"] == validated[name]["accuracy"]["top1_accuracy"]
        assert one["macro"]["f1"]["value"] == pytest.approx(validated[name]["accuracy"]["macro_f1"])
        assert one["loss"]["value"] == pytest.approx(validated[name]["accuracy"]["loss"])
    assert document["caveat"] == "", "these images chose nothing"
    with Image.open(run.evaluation_plot) as plot:
        assert plot.format == "PNG"
        assert plot.info["Description"] == document["plot_description"]
    assert "correct" in document["plot_description"]
    text = cli("evaluate", run_copy, "--model", "model_int8.onnx", "--model", run_copy / "export" / "model_float16.tflite")
    assert text.code == 0, text.err
    assert "onnx_int8" in text.out
    assert "tflite_float16" in text.out


def test_cross_validation_is_scikit_learns_on_the_same_predictions(cli: Cli, run_copy: Path) -> None:
    crossed = cli("evaluate", run_copy, "--cv", 4, "--json").document["cross_validation"]
    project = Project.open(run_copy)
    features, rows = starting_features(project)
    assert list((run_copy / "cache").glob("features-*.npy")), "computed once"
    images = project.data.images
    assert features.shape[:2] == (1, len(rows)), "this recipe does not mirror"
    labels = images.label_ids[rows]
    fold_of = folds(labels, [images.hashes[row] for row in rows], 4, 0)
    predictions = out_of_fold(features, labels, fold_of, probe_settings(project, len(rows) * 3 // 4), 0)
    predicted = predictions.argmax(axis=1)
    assert crossed["fold_accuracies"] == [accuracy_score(labels[fold_of == fold], predicted[fold_of == fold]) for fold in range(4)]
    assert crossed["mean_accuracy"] == pytest.approx(np.mean(crossed["fold_accuracies"]))
    assert crossed["pooled"]["top1_accuracy"]["value"] == accuracy_score(labels, predicted)
    assert crossed["pooled"]["macro"]["f1"]["value"] == pytest.approx(f1_score(labels, predicted, average="macro"))
    assert crossed["pooled"]["confusion"] == [list(row) for row in score(predictions, labels, images.class_names).confusion]
    assert sum(crossed["images"].values()) == len(rows)


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--split", "test"], 3, "no test images"),
        (["--split", "valid"], 2, "did you mean 'val'?"),
        (["--cv", "1"], 2, "two folds or more"),
        (["--model", "model_int9.tflite"], 5, "has not exported model_int9.tflite"),
        (["--cv", "500"], 2, "at most: --cv"),
    ],
)
def test_what_cannot_be_is_a_message(cli: Cli, run_copy: Path, options: list[str], code: int, words: str) -> None:
    outcome = cli("evaluate", run_copy, *options)
    assert outcome.code == code
    assert words in outcome.err


def test_a_run_without_exports_is_scored_in_keras(cli: Cli, run_copy: Path) -> None:
    run = RunFolder(run_copy)
    record = run.read().to_json()
    record["stages"] = {name: stage for name, stage in record["stages"].items() if not name.startswith("export_")}
    run.record.write_text(json.dumps(record), encoding="utf-8")
    document = cli("evaluate", run_copy, "--split", "train", "--json").document
    assert list(document["models"]) == ["keras_float"]
    assert "memorized" in document["caveat"]
