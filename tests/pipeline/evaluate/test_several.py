"""A run of several labels an image, from validation to report: every figure is named mAP or exact match, and says so."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgetl.accuracy import MultiLabelAccuracy, figure
from edgetl.contract import Contract
from edgetl.data.digits import find
from edgetl.errors import UsageError
from edgetl.evaluation.validation import Validation
from edgetl.pipeline.tune.search import Search, tune
from edgetl.recipe import load
from edgetl.run_folder import RunFolder
from tests.conftest import CliResult, Made, edgetl

Cli = Callable[..., CliResult]
CLASSES = ("0", "1", "2")


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a validated run of images with none, one or two of three digits side by side."""
    folder, random = tmp_path_factory.mktemp("several"), np.random.default_rng(0)
    digits = {name: [item for item in find("digits").items if item.class_name == name] for name in CLASSES}
    with (folder / "list.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("path", "label", "split"))
        for number in range(240):
            shown = random.permutation(3)[: random.integers(0, 3)]
            frame = Image.new("RGB", (32, 32))
            for place, k in enumerate(shown):
                item = digits[CLASSES[k]][random.integers(len(digits[CLASSES[k]]))]
                frame.paste(Image.open(io.BytesIO(item.read())).convert("RGB").resize((16, 32)), (16 * place, 0))
            frame.save(folder / f"{number}.png")
            rows.writerow((f"{number}.png", "|".join(CLASSES[k] for k in sorted(shown)), "val" if number % 4 == 0 else "train"))
    run = folder / "run"
    options = ["--task", "multi-label", "--backbone", "small_cnn", "--weights", "none", "--image-size", 32, "--no-qat", "--batch-size", 16]
    settings = ["train.again_below=0", "augment.flip=false", "validation.timed_runs=3", "validation.warmup_runs=1"]
    sets = [text for setting in settings for text in ("--set", setting)]
    rates = ["--head-epochs", 1, "--epochs", 12, "--learning-rate", 1e-2]
    for arguments in (("train", folder / "list.csv", *options, *rates, *sets, "--out", run), ("export", run), ("validate", run)):
        done = edgetl(*arguments)
        assert done.returncode == 0, done.stderr + done.stdout
    return run


def test_the_validation_is_judged_by_map(several: Path) -> None:
    validation = Validation.of(RunFolder(several))
    assert validation.metric == "mAP"
    assert isinstance(validation.main_model.accuracy, MultiLabelAccuracy)
    assert figure(validation.main_model.accuracy).value > 0.8
    engines = next(one for one in validation.pairs if (one.tolerance.first, one.tolerance.second) == ("tflite_int8", "onnx_int8"))
    assert engines.agreement.same >= 0.98
    assert engines.map_drop_points is not None
    assert validation.overview().columns[1] == "mAP %"


def test_no_command_calls_it_top1(cli: Cli, several: Path, tmp_path: Path) -> None:
    for command in (("show", several), ("validate", several), ("evaluate", several), ("runs", several.parent)):
        outcome = cli(*command)
        assert outcome.code == 0, outcome.err
        assert "top-1" not in outcome.out + outcome.err, command
        assert "mAP" in outcome.out + outcome.err, command
    assert cli("card", several).code == cli("report", several, "--format", "md").code == 0
    card = (several / "card.md").read_text(encoding="utf-8")
    assert "top-1" not in card
    assert "mAP % (95 % interval)" in card
    text = (several / "report.md").read_text(encoding="utf-8")
    assert "top-1" not in text.lower()
    assert "mAP of tflite" in text
    assert "Confusion matrix of each class" in text


def test_an_evaluation_has_the_metrics_of_each_class(cli: Cli, several: Path) -> None:
    found = cli("evaluate", several, "--json").document["models"]["tflite_int8"]
    assert [one["class_name"] for one in found["classes"]] == list(CLASSES)
    assert found["exact_match"]["value"] <= found["micro"]["f1"]["value"]
    assert "F1 is lowest for" in json.loads((several / "evaluation.json").read_text(encoding="utf-8"))["plot_description"]
    for refused, why in (("--cv", 2), "may show several"), (("--unknown", several.parent), "below all thresholds"):
        outcome = cli("evaluate", several, *refused)
        assert outcome.code == 2, refused
        assert why in outcome.err
        assert f"leave {refused[0]} out" in outcome.err


def test_thresholds_are_chosen_and_the_validation_is_of_the_new_ones(cli: Cli, several: Path) -> None:
    outcome = cli("evaluate", several, "--choose-thresholds", "per-class", "--target", "precision=1", "--json")
    assert outcome.code == 0, outcome.err
    contract, validation = Contract.read(several / "contract.json"), Validation.of(RunFolder(several))
    strict = validation.main_model.accuracy.multi_label
    assert contract.output.thresholds
    assert strict
    missed = [f"'{one['class_name']}' ({100 * one['after']['precision']:.1f} %)" for one in outcome.document["thresholds"]["classes"]]
    missed = [text for text, one in zip(missed, outcome.document["thresholds"]["classes"], strict=True) if one["after"]["precision"] < 1]
    said = f"on the images that measure, less precise than 100 %: {', '.join(missed)}"
    assert (said in outcome.document["thresholds"]["notes"]) is bool(missed)
    assert cli("evaluate", several, "--choose-thresholds", "per-class").code == 0
    best = Validation.of(RunFolder(several)).main_model.accuracy.multi_label
    assert best
    assert best.mean_average_precision == strict.mean_average_precision, "which knows no threshold"
    assert best.macro_f1 >= strict.macro_f1 - 0.05


def test_each_class_that_is_found_is_explained(cli: Cli, several: Path) -> None:
    with (several.parent / "list.csv").open(encoding="utf-8") as file:
        shown = {row["path"]: row["label"].split("|") for row in csv.DictReader(file) if "|" in row["label"]}
    name = next(iter(shown))
    outcome = cli("explain", several, several.parent / name, "--json")
    assert outcome.code == 0, outcome.err
    asked = [one["asked"] for one in outcome.document["images"]]
    assert set(asked) & set(shown[name])
    assert len({one["file"] for one in outcome.document["images"]}) == len(asked)
    assert all(one["float_model"]["present"] is not None for one in outcome.document["images"])


def test_devices_are_checked_by_decisions(cli: Cli, several: Path) -> None:
    outcome = cli("benchmark", several, "--device", "local", "--accuracy", 20, "--runs", 2, "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.document["models"]["tflite_int8"]["mean_average_precision"] > 0.8
    checked = next(one["predictions"] for one in outcome.document["results"] if one["model"] == "tflite_int8")
    assert checked["same_decisions"] == 1
    assert checked["failures"] == []
    assert "top-1" not in outcome.err


def test_what_trains_heads_for_one_class_is_refused(cli: Cli, several: Path, tmp_path: Path) -> None:
    images = several.parent / "list.csv"
    assert cli("learning-curve", images, "--set", "data.task=multi-label", "--backbone", "small_cnn", "--out", tmp_path).code == 2
    with pytest.raises(UsageError, match="one class an image, and these images may show several"):
        tune(load(options={"data.source": str(images), "data.task": "multi-label"}), tmp_path, Search(trials=1, device="local"))


def test_a_run_that_names_one_class_is_not_compared_with_it(cli: Cli, several: Path, made: Made) -> None:
    for runs in ((several, made.run), (made.run, several)):
        outcome = cli("compare", *runs, "--different-classes")
        assert outcome.code == 3
        assert "is judged by mAP" in outcome.err
        assert "the same --task" in outcome.err
        assert "tflite_int8" not in outcome.err, "it is said before a model predicts"
