"""The output of int8 files: uint8 or float32 as the recipe asks, the same in all that reads them, and what steps cost is named."""

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from edgetl.contract import Contract
from edgetl.errors import BudgetError
from edgetl.evaluation import judged
from edgetl.evaluation.statistics import Paired
from edgetl.evaluation.steps import StepsCost
from edgetl.export.base import CONTRACT_KEY
from edgetl.export.exported import exported_files
from edgetl.output import Thresholds
from edgetl.pipeline.export import budget, files
from edgetl.pipeline.export.current import exported
from edgetl.pipeline.export.restamped import restamp
from edgetl.pipeline.project import Project
from edgetl.pipeline.train.stages import find_data
from edgetl.runtimes import open_session
from tests.conftest import CliResult, Made

Cli = Callable[..., CliResult]


def test_another_output_is_exported_and_taken_everywhere(cli: Cli, run_copy: Path) -> None:
    before = Project.open(run_copy).contract
    outcome = cli("export", run_copy, "--int8", "--set", "export.output=float32", "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.document["choice"]["output"] == "float32"
    assert outcome.document["choice"]["steps_drop_points"] is None
    project = Project.open(run_copy)
    assert project.contract == Contract.read(run_copy / "export/contract.json") == before.ending_in("float32")
    pixels = project.data.images.pixels[:3]
    for file in exported_files(project.run):
        if file.integer:
            assert open_session(file.path, project.contract)(pixels).sum(axis=1) == pytest.approx(1, abs=1e-5)
    outcome = cli("validate", run_copy, "--limit", 12, "--json")
    assert set(outcome.document["subjects"]) >= {"keras_int8", "tflite_int8", "onnx_int8"}
    assert cli("predict", run_copy / "export/model_int8.onnx", "digits:7", "--json").code == 0


def test_another_batch_is_recorded_and_no_app_is_made_of_it(cli: Cli, run_copy: Path) -> None:
    outcome = cli("export", run_copy, "--float32", "--batch", 4, "--json")
    assert outcome.code == 0, outcome.err
    assert [file["batch"] for file in outcome.document["files"]] == [4, 4]
    assert Contract.read(run_copy / "export/contract.json").input.batch == 4
    outcome = cli("benchmark", run_copy / "export/model_float32.tflite", "--runs", 1, "--json")
    assert [model["batch"] for model in outcome.document["models"].values()] == [4]
    outcome = cli("bundle", run_copy, "--models", "model_float32.onnx")
    assert "takes 4 images at a time" in outcome.err
    assert "--batch 1" in outcome.err
    outcome = cli("export", run_copy, "--float32", "--batch", "dynamic", "--json")
    assert [file["batch"] for file in outcome.document["files"]] == [1, "dynamic"]
    assert "keeps a batch of 1" in outcome.err
    assert {file.precision: file.batch for file in exported(Project.open(run_copy)) if file.form == "onnx"} == {
        **{"float32": "dynamic", "float16": 1, "int8": 1}
    }
    restamp(Project.open(run_copy), Thresholds(per_class=(0.1, 0.2, 0.3)))
    carried = {prop.key: prop.value for prop in onnx.load(run_copy / "export/model_float32.onnx").metadata_props}
    shown = Contract.read(run_copy / "export/contract.json")
    assert shown.input.batch == "dynamic"
    assert Contract.from_bytes(carried[CONTRACT_KEY].encode(), CONTRACT_KEY) == shown
    for batch in (0, 257, "four"):
        outcome = cli("export", run_copy, "--batch", batch)
        assert (outcome.code, "export.batch" in outcome.err) == (2, True)


def test_another_output_reads_no_image_again(run_copy: Path) -> None:
    project = Project.open(run_copy, {"export.output": "float32"})
    project.contract = project.contract.ending_in("float32")
    with project.run.writing():
        find_data(Project.open(project.run))  # another test may have touched an image since
        before = project.run.stage("data")
        find_data(project)
    assert project.run.stage("data") == before


STEPS = StepsCost(Paired(drop_points=12.5, only_a=5, only_b=0, mcnemar_p=0.06), ties=30, zeros=2)


def test_a_budget_that_steps_alone_exceed_ends_at_once(
    run_copy: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing that is done to the weights could help."""
    monkeypatch.setattr(files, "cost_of_steps", lambda probabilities, label_ids: STEPS)
    monkeypatch.setattr(budget, "_ladder", lambda project, precision: pytest.fail("another model was tried"))
    monkeypatch.setattr(judged, "paired", lambda a_right, b_right: STEPS.cost)
    project = Project.open(run_copy, {"export.max_drop": 1.0})
    with pytest.raises(BudgetError, match=r"1 are allowed: the output's steps of 1/256 are the cause, and --set export.output=float32"):
        files.export(project, ["int8"], ["tflite"])
    assert "tie the best classes of 30 and leave 0 for every class of 2 of the validation images" in caplog.text
    choice = project.run.read().integer_choice()
    assert choice
    assert (choice.within_budget, choice.output, choice.steps_drop_points) == (False, "uint8", 12.5)
    assert "no other was tried, since float itself loses 12.50 points to the output's steps of 1/256" in choice.reason
    assert (run_copy / "export/model_int8.tflite").is_file()


@pytest.mark.parametrize(("output", "warned"), [("auto", False), ("float32", False), ("uint8", True)])
def test_what_a_uint8_output_costs_with_many_classes_is_a_warning(
    output: str, warned: bool, made: Made, caplog: pytest.LogCaptureFixture
) -> None:
    project = Project.open(made.run)
    project.contract = Contract.square(32, 1.0, 0, tuple(map(str, range(300)))).ending_in(output)  # type: ignore[arg-type]
    assert (files._lost_to_steps(project) is None) is not warned
    assert ("with 300 classes these alone cost float 0.00 points" in caplog.text) is warned
