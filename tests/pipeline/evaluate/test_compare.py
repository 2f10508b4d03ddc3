"""`edgetl compare` on finished runs."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from edgetl.keras import keras

import numpy as np
import pytest
from PIL import Image
from scipy.stats import binomtest

from edgetl.contract import Contract
from edgetl.evaluation.results import Comparison
from edgetl.run_folder import RunFolder
from tests.conftest import CliResult, Made, write_record

Cli = Callable[..., CliResult]


@pytest.fixture(scope="module")
def three(made: Made, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A run, the same again, and one whose model says '0' to everything; the last two without exports."""
    folder = tmp_path_factory.mktemp("runs")
    paths = [folder / name for name in ("whole", "float", "blind")]
    for path in paths:
        shutil.copytree(made.run, path)
    for path in paths[1:]:
        run = RunFolder(path)
        record = run.read().to_json()
        record["stages"] = {name: stage for name, stage in record["stages"].items() if name in ("data", "float")}
        write_record(run.record, record)
    model = keras.models.load_model(paths[2] / "float.keras", compile=False)
    kernel, bias = model.get_layer("logits").get_weights()
    model.get_layer("logits").set_weights([np.zeros_like(kernel), np.array([1.0] + [0.0] * (len(bias) - 1))])
    model.save(paths[2] / "float.keras")
    return paths


def test_a_blind_model_is_found_out_and_the_same_model_is_not(cli: Cli, three: list[Path], tmp_path: Path) -> None:
    outcome = cli("compare", *three, "--out", tmp_path, "--json")
    assert outcome.code == 0, outcome.err
    document = outcome.document
    assert [run["model"] for run in document["runs"]] == ["tflite_int8", "keras_float", "keras_float"]
    assert document["runs"][0]["latency_p50_ms"] > 0
    assert document["runs"][1]["latency_p50_ms"] is None
    assert all(run["size_bytes"] > 0 for run in document["runs"])
    by_pair = {(Path(pair["first"]).name, Path(pair["second"]).name): pair for pair in document["pairs"]}
    assert set(by_pair) == {("whole", "float"), ("whole", "blind"), ("float", "blind")}
    against = by_pair["float", "blind"]
    counts = against["paired"]["only_a"], against["paired"]["only_b"]
    assert against["paired"]["mcnemar_p"] == binomtest(counts[0], sum(counts)).pvalue
    assert against["paired"]["drop_points"] == pytest.approx(100 * (counts[0] - counts[1]) / document["images"])
    assert against["paired"]["mcnemar_p"] < against["holm_p"] < 0.05
    assert by_pair["whole", "float"]["holm_p"] > 0.05
    with Image.open(tmp_path / "compare.png") as plot:
        assert plot.info["Description"] == document["plot_description"]
    assert "is better than" in document["plot_description"]
    assert {"folder": str(tmp_path)} | Comparison.read(tmp_path / "compare.json").to_json() == document


def test_a_file_of_the_same_name_is_compared(cli: Cli, three: list[Path], made: Made, tmp_path: Path) -> None:
    outcome = cli("compare", three[0], made.run, "--model", "model_float32.onnx", "--out", tmp_path)
    assert outcome.code == 0, outcome.err
    assert "onnx_float32" in outcome.out
    assert "may be chance" in outcome.err
    refused = cli("compare", three[0], three[1], "--model", "model_float32.onnx", "--out", tmp_path)
    assert refused.code == 5


def test_other_images_or_one_run_are_a_message(cli: Cli, three: list[Path], tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(three[1], other)
    run = RunFolder(other)
    record = run.read().to_json()
    record["recipe"]["train"]["seed"] = 7  # splits otherwise
    write_record(run.record, record)
    from edgetl.pipeline.project import Project

    record["stages"]["data"]["facts"]["fingerprint"] = Project.open(other).data.images.fingerprint
    write_record(run.record, record)
    outcome = cli("compare", three[1], other, "--out", tmp_path)
    assert outcome.code == 3
    assert "are measured on different images" in outcome.err
    assert "in common" in outcome.err
    assert cli("compare", three[0], three[0]).code == 2
    assert cli("compare", three[0]).code == 2


def test_nothing_is_written_unless_it_is_told_where(cli: Cli, three: list[Path], tmp_path: Path) -> None:
    outcome = cli("compare", three[0], three[1], "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.document["folder"] is None
    assert "--out DIR" in outcome.err
    assert not list(three[0].parent.rglob("compare*"))


@pytest.mark.parametrize("command", ["compare", "explain", "benchmark"])
def test_a_file_in_the_place_of_the_folder_is_found_before_the_work(cli: Cli, three: list[Path], tmp_path: Path, command: str) -> None:
    (tmp_path / "results").touch()
    named = {"compare": three[1:], "explain": [three[0], "digits:7"], "benchmark": [three[0]]}[command]
    outcome = cli(command, *named, "--out", tmp_path / "results")
    assert outcome.code == 2
    assert f"{tmp_path / 'results'} is a file" in " ".join(outcome.err.split())
    assert "tflite" not in outcome.err


def test_runs_with_different_class_names_are_refused_unless_asked(cli: Cli, three: list[Path], tmp_path: Path) -> None:
    """A copy of a run whose first class has another name, as its images have in their folder."""
    other, images = tmp_path / "other", tmp_path / "images"
    source = Path(RunFolder(three[1]).read().recipe.data.source)
    shutil.copytree(three[1], other)
    shutil.copytree(source, images)
    old = Contract.read(other / "contract.json").class_names[0]
    for folder in [one for one in images.rglob(old) if one.is_dir()]:
        folder.rename(folder.with_name(f"{old} renamed"))
    run = RunFolder(other)
    for file in ("contract.json", "data.json", "run.json"):
        text = (other / file).read_text(encoding="utf-8")
        quoted = json.dumps(old, ensure_ascii=False)
        (other / file).write_text(text.replace(quoted, json.dumps(f"{old} renamed", ensure_ascii=False)), encoding="utf-8")
    record = run.read().to_json()
    record["recipe"]["data"]["source"] = str(images)
    write_record(run.record, record)
    from edgetl.pipeline.project import Project

    record["stages"]["data"]["facts"]["fingerprint"] = Project.open(other).data.images.fingerprint
    write_record(run.record, record)
    refused = cli("compare", three[1], other)
    assert refused.code == 3
    assert f"have different class names: {old} only in {three[1]}; {old} renamed only in {other}" in " ".join(refused.err.split())
    assert "--different-classes" in refused.err
    asked = cli("compare", three[1], other, "--different-classes", "--json")
    assert asked.code == 0, asked.err
    assert "each is judged by its own labels" in " ".join(asked.err.split())
    first, second = asked.document["runs"]
    assert first["top1_accuracy"] == second["top1_accuracy"], "the same model on the same images"
