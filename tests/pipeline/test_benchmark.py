"""`edgetl benchmark` and `edgetl devices` on a finished run and this host."""

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgetl.devices import DEVICES_FILE
from edgetl.devices.runner import NOISE
from tests.conftest import CliResult, Made
from tests.devices.tiny_model import write
from tests.pipeline.test_pipeline import FORMS, PRECISIONS

Cli = Callable[..., CliResult]
CLOSED = "ssh://nobody@127.0.0.1:9"  # the discard port, where nothing listens
MODELS = {f"{form}_{precision}" for form in FORMS for precision in PRECISIONS}


@pytest.fixture(autouse=True)
def _no_devices_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "devices.toml").touch()
    monkeypatch.setenv(DEVICES_FILE, str(tmp_path / "devices.toml"))


@pytest.fixture(scope="module")
def measured(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the benchmark of the run's int8 files."""
    from tests.conftest import edgetl

    out = tmp_path_factory.mktemp("benchmark") / "für später"
    files = [made.run / "export" / f"model_int8.{form}" for form in FORMS]
    done = edgetl("benchmark", *files, "--runs", 20, "--out", out, "--profile")
    assert done.returncode == 0, done.stderr
    assert "QLinearConv" in done.stdout, "the profile's table"
    return out


def test_a_runs_files_are_measured_and_answer_as_here(cli: Cli, run_copy: Path) -> None:
    outcome = cli("benchmark", run_copy, "--accuracy", 9, "--runs", 5, "--json")
    assert outcome.code == 0, outcome.err
    document = outcome.document
    assert {result["model"] for result in document["results"]} == set(document["models"]) == MODELS
    for result in document["results"]:
        assert len(result["measurement"]["samples_ms"]) == result["measurement"]["latency_ms"]["runs"] == 5
        assert result["predictions"]["images"] == 9
        assert result["predictions"]["agreement"]["top1_agreement"] == 1, "the same files by the same runtimes on the same machine"
        assert result["predictions"]["agreement"]["max_steps"] < 0.01
        assert document["models"][result["model"]]["top1_accuracy"] >= 0.9, "of the validation"
    assert {path.name for path in run_copy.glob("benchmark.*")} == {f"benchmark.{suffix}" for suffix in ("json", "md", "csv", "png")}
    assert json.loads((run_copy / "benchmark.json").read_text(encoding="utf-8"))["results"] == document["results"]


def test_what_was_exported_after_the_validation_has_no_accuracy(cli: Cli, run_copy: Path) -> None:
    assert cli("export", run_copy, "--float32", "--batch", "2").code == 0
    document = cli("benchmark", run_copy, "--runs", 1, "--json").document
    unknown = {name for name, model in document["models"].items() if model["top1_accuracy"] is None}
    assert unknown == {"tflite_float32", "onnx_float32"}


def test_what_is_written_can_be_read(measured: Path) -> None:
    document = json.loads((measured / "benchmark.json").read_text(encoding="utf-8"))
    rows = list(csv.DictReader((measured / "benchmark.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["model"] for row in rows] == ["model_int8.tflite", "model_int8.onnx"]
    for row, result in zip(rows, document["results"], strict=True):
        assert float(row["p50_ms"]) == result["measurement"]["latency_ms"]["p50"] > 0
        assert int(row["size_bytes"]) == document["models"][row["model"]]["size_bytes"]
        assert float(row["cold_start_ms"]) == result["measurement"]["cold_start_ms"]
    text = (measured / "benchmark.md").read_text(encoding="utf-8")
    assert "| local | model_int8.onnx |" in text
    assert (measured / "benchmark.png").read_bytes().startswith(b"\x89PNG")


def test_a_baseline_is_a_gate(cli: Cli, made: Made, measured: Path, tmp_path: Path) -> None:
    files = [made.run / "export" / f"model_int8.{form}" for form in FORMS]
    document = json.loads((measured / "benchmark.json").read_text(encoding="utf-8"))
    assert cli("benchmark", *files, "--baseline", measured / "benchmark.json", "--max-slowdown", 1000).code == 0
    for result in document["results"]:
        result["measurement"]["latency_ms"]["p50"] /= 1e6
    (tmp_path / "fast.json").write_text(json.dumps(document), encoding="utf-8")
    slower = cli("benchmark", *files, "--baseline", tmp_path / "fast.json", "--json")
    assert slower.code == 11
    assert not any(row["passed"] for row in slower.document["baseline"])
    missing = cli("benchmark", files[0], "--baseline", measured / "benchmark.json", "--max-slowdown", 1000)
    assert missing.code == 11, "a model that is not measured any more does not pass"
    assert "MISSING" in missing.out


def test_an_operator_kept_in_float_is_named_and_refused_where_acceleration_is_required(cli: Cli, tmp_path: Path) -> None:
    """It has no int8 kernel, so that the converter keeps it in float, and neither XNNPACK nor a GPU takes it."""
    odd, plain = write("kept_float", tmp_path), write("float32", tmp_path)
    arguments = ["--runs", 1, "--delegate", "xnnpack", "--delegate", "cpu", "--out", tmp_path, "--json"]
    outcome = cli("benchmark", odd, plain, *arguments)
    assert outcome.code == 0, "it is a warning"
    assert "fell back from the delegate xnnpack: LOCAL_RESPONSE_NORMALIZATION" in outcome.err
    rows = {(row["model"], row["delegate"]): row for row in outcome.document["results"]}
    assert len(rows) == 4
    placed = rows[odd.name, "xnnpack"]["measurement"]["placement"]
    assert any(name.startswith("LOCAL_RESPONSE_NORMALIZATION") for name in placed["fell_back"])
    assert {share["by"] for share in placed["shares"]} == {"XNNPACK", "built-in kernels"}
    assert rows[odd.name, "cpu"]["measurement"]["placement"]["fell_back"] == [], "nothing was asked for"
    assert rows[odd.name, "cpu"]["beside_cpu"] is None
    compared = rows[plain.name, "xnnpack"]["beside_cpu"]
    assert compared["same_top1"] == compared["images"] == NOISE
    assert compared["noise"]
    assert compared["max_difference"] < 1e-4, "float kernels add up in another order"

    assert cli("benchmark", odd, *arguments, "--require-accelerated").code == 13
    assert cli("benchmark", plain, *arguments, "--require-accelerated").code == 0
    with (tmp_path / "benchmark.csv").open(encoding="utf-8") as file:
        row = next(csv.DictReader(file))
    assert (row["delegate"], row["accelerated"], row["fell_back"]) == ("xnnpack", "True", "")
    assert "| CPU 100 % (XNNPACK) |" in (tmp_path / "benchmark.md").read_text(encoding="utf-8")


def test_a_runs_images_show_whether_a_delegate_predicts_as_the_cpu(cli: Cli, made: Made, tmp_path: Path) -> None:
    outcome = cli("benchmark", made.run, "--runs", 1, "--delegate", "xnnpack", "--out", tmp_path, "--json")
    found = [row["beside_cpu"] for row in outcome.document["results"] if row["measurement"]]
    assert found, "onnxruntime's wheels have no XNNPACK, LiteRT's have"
    assert not any(one["noise"] for one in found)
    assert {one["images"] for one in found} == {25}, "all that measure, where there are fewer than 32"
    assert outcome.document["images"] == 0, "nothing was asked to be compared with this computer"


def test_one_device_fails_and_the_other_is_kept(cli: Cli, made: Made, tmp_path: Path) -> None:
    outcome = cli("benchmark", made.run / "export/model_int8.tflite", "--device", CLOSED, "--device", "local", "--json", "--out", tmp_path)
    assert outcome.code == 10
    assert outcome.document["devices"][CLOSED]["failure"]["remedy"]
    assert [result["device"] for result in outcome.document["results"]] == ["local"]
    assert outcome.document["results"][0]["measurement"]["latency_ms"]["p50"] > 0
    assert f"warning: {CLOSED}" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["{file}", "--accuracy", 5], "--accuracy needs a run"),
        (["{run}/float.keras"], "cannot be run on a device"),
        (["{file}", "--device", "locl"], "did you mean 'local'"),
        (["{file}", "--cpu-mask", "all"], "is not a CPU mask"),
        (["{file}", "--delegate", "tpu"], "no delegate 'tpu'"),
        (["{file}", "--require-accelerated"], "--require-accelerated needs an accelerator"),
        (["{file}", "--require-accelerated", "--delegate", "cpu"], "--require-accelerated needs an accelerator"),
        (["{file}", "{run}/nothing.tflite"], "is not a model file"),
        (["{file}", "--baseline", "{run}/run.json"], "is not a baseline"),
    ],
)
def test_what_cannot_be_meant_is_a_message(cli: Cli, made: Made, arguments: list[object], says: str) -> None:
    given = [str(one).format(file=made.run / "export/model_int8.tflite", run=made.run) for one in arguments]
    outcome = cli("benchmark", *given)
    assert outcome.code == 2
    assert says in outcome.err


def test_devices_are_said_with_what_is_missing(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")  # so that no adb starts its server, which would stay
    monkeypatch.setitem(sys.modules, "adbutils", None)
    (tmp_path / "devices.toml").write_text("[lab]\nkind = 'ssh'\nhost = 'nobody@127.0.0.1:9'\n", encoding="utf-8")
    outcome = cli("devices", "--json")
    assert outcome.code == 0
    assert outcome.document["local"]["facts"]["runtimes"]["litert"]
    for name in ("lab", "adb"):
        assert outcome.document[name]["failure"]["problem"]
        assert name in outcome.err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[lab]\nhost = 'x'\n", "with a 'kind'"),
        ("[lab]\nkind = 'sssh'\n", "did you mean 'ssh'"),
        ("[lab]\nkind = 'ssh'\nhots = 'x'\n", "did you mean 'host'"),
        ("[lab]\nkind = 'ssh'\nhost = 5\n", "table of strings"),
        ("[lab", "cannot read the devices file"),
    ],
)
def test_a_devices_file_is_checked(cli: Cli, tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "devices.toml").write_text(text, encoding="utf-8")
    outcome = cli("devices")
    assert outcome.code == 2
    assert says in outcome.err
