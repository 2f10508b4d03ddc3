"""`edgetl compare` on finished runs."""

import shutil
from collections.abc import Callable
from pathlib import Path

from edgetl.keras import keras

import numpy as np
import pytest
from PIL import Image
from scipy.stats import binomtest

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
