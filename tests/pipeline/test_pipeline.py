"""The real chain end to end on a tiny real set: train, quantize, export, validate, predict; killed, resumed, tampered with."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from ai_edge_litert.interpreter import Interpreter
from onnx import numpy_helper

from edgetl.contract import Contract
from edgetl.data.index import DataIndex
from edgetl.export.onnx_writer import check_integer, check_same_grids, quantized_pairs
from edgetl.export.tflite_checks import check_integer as check_integer_tflite
from edgetl.files import sha256
from edgetl.pipeline.export.files import export
from edgetl.pipeline.plan import int8_schemes
from edgetl.pipeline.project import Project
from edgetl.pipeline.train.stages import train
from edgetl.quantization.quantized import Quantized
from edgetl.run_folder import RunFolder
from edgetl.run_record import ExportFacts, FloatFacts, QuantizedFacts
from tests.conftest import NAME, CliResult, Made, write_record

Cli = Callable[..., CliResult]
FORMS, PRECISIONS = ("tflite", "onnx"), ("float32", "float16", "int8")
SUBJECTS = {"keras_float", "keras_int8"} | {f"{form}_{precision}" for form in FORMS for precision in PRECISIONS}
FILES = {"contract.json"} | {f"model_{precision}.{form}" for form in FORMS for precision in PRECISIONS}


@pytest.mark.parametrize("network", ["made", "pretrained"])
def test_one_command_trains_exports_and_proves_agreement(network: str, request: pytest.FixtureRequest) -> None:
    made: Made = request.getfixturevalue(network)
    assert made.outcome.code == 0, made.outcome.err
    document = made.outcome.document
    assert document["passed"], document["failures"]
    assert set(document["subjects"]) == {name for name in SUBJECTS if network == "made" or "float16" not in name}
    accuracy = {name: subject["accuracy"]["top1_accuracy"] for name, subject in document["subjects"].items()}
    assert accuracy["tflite_int8"] >= 0.9, "noughts, ones and twos are easy: less means that something between image and answer is wrong"
    for subject in document["subjects"].values():
        low, high = subject["accuracy"]["top1_interval_95"]
        assert low <= subject["accuracy"]["top1_accuracy"] <= high
        assert subject["size_bytes"] > 0
        assert 0 < subject["latency_ms"]["p50"] <= subject["latency_ms"]["p90"]
    assert document["cpu"]["features"].keys() >= {"avx2", "avx512_vnni", "asimddp"}
    assert all(len(pair["worst"]) == min(10, document["images"]) for pair in document["pairs"])


def test_the_run_holds_what_it_says(made: Made, digit_folder: Path) -> None:
    assert {path.name for path in (made.run / "export").iterdir()} == FILES
    assert not list(made.run.rglob(".partial-*"))
    assert not list(made.run.glob("checkpoint-*")), "checkpoints go when their stage is finished"
    record = RunFolder(made.run).read()
    assert list(record.stages) == [
        "data",
        "float",
        "ptq_int8",
        "qat_int8",
        "export_float32",
        "export_float16",
        "export_int8",
        "validate",
    ]
    for stage in record.stages.values():
        assert all(sha256(made.run / file) == digest for file, digest in stage.files.items())
    assert [rejected.name for rejected in DataIndex.read(made.run / "data.json").rejected] == ["1/notes.png"]
    assert (digit_folder / "1" / "notes.png").read_text(encoding="utf-8") == "not an image", "data is never changed"
    trained, (ptq, qat) = record.find("float", FloatFacts), (record.find(name, QuantizedFacts) for name in ("ptq_int8", "qat_int8"))
    assert trained
    assert trained.device
    assert ptq
    assert qat
    assert ptq.calibration.images == 32
    assert ptq.calibration == qat.calibration, "both int8 models were calibrated on the same images"


def test_the_better_int8_model_is_shipped_and_the_run_says_why(made: Made) -> None:
    choice = RunFolder(made.run).facts("export_int8", ExportFacts).choice
    assert choice is not None
    assert [one.name for one in choice.candidates] == ["ptq_int8", "qat_int8"]
    best = min(choice.candidates, key=lambda one: one.kl or 0.0)  # neither is right significantly more often
    assert choice.chosen.name == best.name, "held-out images chose it"
    validated = json.loads(RunFolder(made.run).validation.read_text(encoding="utf-8"))["subjects"]["tflite_int8"]["accuracy"]
    assert choice.chosen.loss == pytest.approx(validated["loss"]), "validation images measured it"
    assert choice.chosen.name in choice.reason
    assert choice.within_budget is None, "there is no budget"


def test_what_calibration_leaves_decides_whether_to_train_with_quantization(run_copy: Path, caplog: pytest.LogCaptureFixture) -> None:
    record = json.loads((run_copy / "run.json").read_text(encoding="utf-8"))
    found = {}
    for above in (0.0, 10.0):  # nats
        record["recipe"]["quantize"] |= {"qat": "auto", "qat_above": above}
        write_record(run_copy / "run.json", record)
        project = Project.open(run_copy)
        with caplog.at_level("INFO", "edgetl"):
            train(project)
        found[above] = int8_schemes(project.run, project.recipe)
    assert found == {0.0: ["ptq_int8", "qat_int8"], 10.0: ["ptq_int8"]}
    [said] = [text for text in caplog.messages if "was not run" in text]
    assert "KL 0.0" in said
    [path] = export(project, ["int8"], ["tflite"])
    choice = RunFolder(run_copy).facts("export_int8", ExportFacts).choice
    assert choice
    assert path.exists()
    assert [one.name for one in choice.candidates] == ["ptq_int8"]
    assert choice.reason.startswith("no other was made")


def test_the_int8_files_are_integer_only_and_hold_one_set_of_scales(pretrained: Made) -> None:
    lite, integer = ((pretrained.run / f"export/model_int8.{form}").read_bytes() for form in ("tflite", "onnx"))
    contract = Contract.read(pretrained.run / "export/contract.json")
    check_integer_tflite(lite, contract)
    check_integer(integer, contract)
    pairs = quantized_pairs(lite, contract)
    check_same_grids(lite, onnx.load_from_string(pairs))
    scales = {float(value) for value in _scalars(onnx.load_from_string(pairs))}
    assert {float(value) for value in _scalars(onnx.load_from_string(integer))} <= scales, "fusing changes no number"


def _scalars(model: onnx.ModelProto) -> Iterator[np.ndarray]:
    """Scales of activations, which are single numbers."""
    arrays = [numpy_helper.to_array(tensor) for tensor in model.graph.initializer]
    return (array for array in arrays if array.dtype == np.float32 and array.size == 1)


def test_finished_stages_are_not_done_again(cli: Cli, made: Made) -> None:
    before = RunFolder(made.run).read().stages
    again = cli("run", made.recipe, "--out", made.run, "--json")
    assert again.code == 0
    assert again.document == made.outcome.document, "the verdict is the one that was reached before"
    assert RunFolder(made.run).read().stages == before


def test_copied_images_do_not_train_again(cli: Cli, run_copy: Path, made: Made, digit_folder: Path) -> None:
    before = RunFolder(run_copy).stage("float").finished
    image = next((digit_folder / "0").iterdir())
    os.utime(image)  # as a copy or a checkout would: another time, the same content
    assert cli("run", made.recipe, "--out", run_copy).code == 0
    assert RunFolder(run_copy).stage("float").finished == before


@pytest.mark.parametrize("model", ["", "export/model_int8.onnx", "export/model_float16.tflite", "float.keras"])
def test_predict_by_run_and_by_file(cli: Cli, made: Made, digit_folder: Path, model: str) -> None:
    images = [sorted((digit_folder / label).glob("digits*.png"))[0] for label in "012"]
    outcome = cli("predict", made.run / model, *images, "--top", 2, "--json")
    assert outcome.code == 0, outcome.err
    assert [one["top"][0]["class_name"] for one in outcome.document] == ["0", "1", "2"]
    assert all(len(one["top"]) == 2 and one["top"][0]["probability"] >= one["top"][1]["probability"] for one in outcome.document)


def test_validate_with_a_limit_takes_images_of_all_classes(cli: Cli, run_copy: Path) -> None:
    outcome = cli("validate", run_copy, "--limit", 6, "--json")
    assert outcome.document["images"] == 6
    assert outcome.code == 0, outcome.err
    assert json.loads((run_copy / "validation.json").read_text(encoding="utf-8")) == outcome.document


@pytest.mark.slow
def test_sensitivity_looks_at_every_operator(cli: Cli, pretrained: Made, tmp_path: Path) -> None:
    """Those of a complete network; test_sensitivity.py does so with the small one, tests/quantization with blocks."""
    run_copy = shutil.copytree(pretrained.run, tmp_path / "copy")
    outcome = cli("sensitivity", run_copy, "--limit", 2, "--json")
    assert outcome.code == 0, outcome.err
    changes = [one["logits_change"] for one in outcome.document["operators"]]
    assert len(changes) > 40, "EfficientNet-Lite0 has 16 blocks of two or three operators"
    assert changes == sorted(changes, reverse=True)
    assert json.loads((run_copy / "sensitivity.json").read_text(encoding="utf-8")) == outcome.document


def test_a_file_changed_since_export_is_refused_and_made_again(cli: Cli, run_copy: Path) -> None:
    file = run_copy / "export/model_int8.onnx"
    digest = sha256(file)
    file.write_bytes(file.read_bytes()[:-1])
    refused = cli("validate", run_copy)
    assert refused.code == 5
    assert "edgetl export" in refused.err
    assert cli("export", run_copy, "--int8").code == 0
    assert sha256(file) == digest, "the same run gives the same bytes"


def test_exports_of_an_earlier_training_are_refused(cli: Cli, run_copy: Path) -> None:
    record = RunFolder(run_copy).read().to_json()
    record["stages"]["float"]["inputs"] = "trained anew"  # and killed before the quantized models were made again
    (run_copy / "run.json").write_text(json.dumps(record), encoding="utf-8")
    for command in ("export", "validate"):
        outcome = cli(command, run_copy)
        assert outcome.code == 5
        assert "edgetl train" in outcome.err


def test_a_format_exported_later_joins_the_others(cli: Cli, run_copy: Path) -> None:
    record = RunFolder(run_copy).read().to_json()
    record["stages"] = {name: stage for name, stage in record["stages"].items() if not name.startswith(("export", "validate"))}
    (run_copy / "run.json").write_text(json.dumps(record), encoding="utf-8")
    for form in ("onnx", "tflite"):
        assert cli("export", run_copy, "--float32", "--formats", form).code == 0
    assert set(RunFolder(run_copy).stage("export_float32").files) == {"export/model_float32.tflite", "export/model_float32.onnx"}


def test_models_that_do_not_agree_fail_with_their_own_exit_code(cli: Cli, run_copy: Path) -> None:
    file = run_copy / "export/model_float32.onnx"
    model = onnx.load(file)
    bias = next(tensor for tensor in model.graph.initializer if tensor.dims == [3])
    bias.CopyFrom(numpy_helper.from_array(np.array([9, 0, 0], np.float32), bias.name))  # everything is a nought now
    onnx.save(model, file)
    record = RunFolder(run_copy).read().to_json()
    record["stages"]["export_float32"]["files"]["export/model_float32.onnx"] = sha256(file)
    (run_copy / "run.json").write_text(json.dumps(record), encoding="utf-8")
    outcome = cli("validate", run_copy, "--json")
    assert outcome.code == 7
    assert not outcome.document["passed"]
    assert "onnx_float32" in outcome.err


def test_other_images_than_those_trained_on_are_refused(cli: Cli, own_images: Made, tmp_path: Path) -> None:
    assert cli("validate", own_images.run, "--limit", 6).code == 0, "the same images elsewhere are the same images"
    twos = tmp_path / NAME / "2"
    (twos / "new.png").write_bytes(next(twos.iterdir()).read_bytes())
    outcome = cli("validate", own_images.run)
    assert outcome.code == 3
    assert "train again" in outcome.err


@pytest.fixture
def started(made: Made) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts `edgetl ARGS...`, to be killed."""
    processes = []

    def start(*arguments: object) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "edgetl", *map(str, arguments)]
        processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()


def _kill_when(process: subprocess.Popen[bytes], happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 300
    while not happened():
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_training_killed_leaves_nothing_half_written_and_goes_on(
    cli: Cli, started: Callable[..., subprocess.Popen[bytes]], made: Made, tmp_path: Path
) -> None:
    run = tmp_path / "killed"
    checkpoint = run / "checkpoint-float.npz"
    _kill_when(started("run", made.recipe, "--out", run), checkpoint.exists)
    assert not (run / "float.keras").exists()
    assert list(RunFolder(run).read().stages) == ["data"]
    np.load(checkpoint, allow_pickle=False)["header"]  # whole, since it has its final name
    again = cli(
        "train",
        json.loads((made.run / "run.json").read_text(encoding="utf-8"))["recipe"]["data"]["source"],
        "--recipe",
        made.recipe,
        "--out",
        run,
        "--no-qat",
        "--set",
        "quantize.ranges=minmax",
    )
    assert again.code == 0, again.err
    assert "going on after epoch 1" in again.err
    resumed, straight = (RunFolder(path).facts("float", FloatFacts).fine_tuning for path in (run, made.run))
    assert resumed
    assert straight
    assert len(resumed.epochs) == len(straight.epochs)
    assert resumed.epochs[0].loss == pytest.approx(straight.epochs[0].loss, rel=1e-3), "same seed, same machine, same epoch"


def test_export_killed_leaves_nothing_half_written_and_completes(
    cli: Cli, started: Callable[..., subprocess.Popen[bytes]], run_copy: Path, made: Made
) -> None:
    """The two precisions that are exported in no time; int8 is written by the same function."""
    command = ("export", run_copy, "--float32", "--float16")
    whole = {path.name: sha256(path) for path in (made.run / "export").iterdir() if "int8" not in path.name}
    record = RunFolder(run_copy).read().to_json()
    record["stages"] = {name: stage for name, stage in record["stages"].items() if not name.startswith(("export", "validate"))}
    (run_copy / "run.json").write_text(json.dumps(record), encoding="utf-8")
    for path in (run_copy / "export").iterdir():
        path.unlink()
    _kill_when(started(*command), lambda: any((run_copy / "export").iterdir()))
    for path in (run_copy / "export").iterdir():
        assert path.name.startswith(".partial-") or sha256(path) == whole[path.name]
    assert cli(*command).code == 0
    assert {path.name: sha256(path) for path in (run_copy / "export").iterdir() if not path.name.startswith(".")} == whole


def test_16x8_is_made_of_an_int8_models_weights(cli: Cli, run_copy: Path) -> None:
    assert cli("export", run_copy, "--int16x8").code == 0
    interpreter = Interpreter(model_path=str(run_copy / "export/model_int16x8.tflite"))
    tensors = interpreter.get_tensor_details()
    [dense] = [one for one in tensors if one["dtype"] == np.int8 and len(one["shape"]) == 2]  # the last layer's kernel, [3, C]
    interpreter.allocate_tensors()
    found = (interpreter.get_tensor(dense["index"]) * dense["quantization_parameters"]["scales"][:, None]).T
    wanted = [Quantized.load(run_copy / f"{scheme}.npz").weights["logits"][0] for scheme in ("ptq_int8", "qat_int8")]
    assert any(np.allclose(found, kernel, rtol=1e-5, atol=0) for kernel in wanted)
