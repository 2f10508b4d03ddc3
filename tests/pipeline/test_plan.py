"""The stages that a run announces are those that it has, and the time left is measured or not given."""

import re

import pytest

from edgetl.pipeline import plan
from edgetl.pipeline.project import Project
from edgetl.recipe import load
from edgetl.run_folder import RunFolder
from edgetl.run_record import Epoch, seconds_per_epoch
from edgetl.training.schedule import Schedule
from edgetl.wording import duration
from tests.conftest import CliResult, Made


def test_every_stage_of_a_run_is_planned_and_announced_in_order(made: Made) -> None:
    record = RunFolder.open(made.run).read()
    planned = plan.complete(record.recipe)
    assert [stage.name for stage in planned] == list(record.stages)
    announced = re.findall(r"^stage (\d+) of (\d+): (.*?)(?:, (?:about|total time:) .*)?$", made.outcome.err, re.MULTILINE)
    assert announced == [(str(place), str(len(planned)), stage.work) for place, stage in enumerate(planned, 1)]


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, ["data", "float", "ptq_int8", "qat_int8"]),
        ({"teacher.run": "auto", "train.unfreeze": "auto"}, ["data", "teacher", "unfreeze", "float", "ptq_int8", "qat_int8"]),
        ({"train.unfreeze": "auto"}, ["data", "unfreeze", "float", "ptq_int8", "qat_int8"]),
        ({"compress.sparsity": 0.5, "quantize.qat": False}, ["data", "float", "compress", "ptq_int8"]),
    ],
)
def test_a_plan_follows_the_recipe(settings: dict[str, object], names: list[str]) -> None:
    recipe = load(options={"data.source": "digits", **settings})
    stages = plan.training(recipe)
    assert [stage.name for stage in stages] == names
    later = recipe.quantize.epochs if recipe.quantize.qat else recipe.compress.epochs
    assert plan.epochs_after(stages, "float") == later
    assert plan.epochs_after(stages, names[-1]) == plan.epochs_after(stages, "unplanned") == 0
    assert [stage.name for stage in plan.training(recipe, "baseline_scratch")] == [*names, "baseline_scratch"]


def test_an_export_plans_for_itself_unless_it_is_part_of_a_run(made: Made) -> None:
    project = Project.open(made.run)
    complete, export = plan.complete(project.recipe), plan.exporting(["int8"])
    project.planned(export)
    assert project.plan is export
    project.planned(complete)
    project.planned(export)
    assert project.plan is complete


def test_stages_that_are_done_are_not_announced(cli, made: Made) -> None:
    again: CliResult = cli("run", made.recipe, "--out", made.run)
    assert again.code == 0, again.err
    assert "float: done already" in again.err
    # But for the first: other tests touch the images of this run, which are then looked at again.
    assert not re.search(r"^stage [2-9]", again.err, re.MULTILINE)


def test_the_time_left_is_measured_in_epochs(caplog: pytest.LogCaptureFixture, made: Made) -> None:
    project = Project.open(made.run)
    caplog.set_level("INFO")
    project.planned([plan.PlannedStage("float", "fine-tuning"), plan.PlannedStage("qat_int8", "training", 10_000)])
    project.announce("float")
    project.announce("qat_int8")
    first, second = caplog.messages
    assert first == "stage 1 of 2: fine-tuning, total time: estimating", "nothing was measured before it"
    assert re.fullmatch(r"stage 2 of 2: training, about [\d.]+ (s|min|h) of training left", second)


def test_no_time_is_promised_that_nothing_will_measure(caplog: pytest.LogCaptureFixture, made: Made) -> None:
    project = Project.open(made.run, {"train.unfreeze": "none"})
    caplog.set_level("INFO")
    project.planned([plan.PlannedStage("data", "reading the images"), plan.PlannedStage("float", "training the head")])
    project.announce("data")
    assert caplog.messages == ["stage 1 of 2: reading the images"]


def test_an_epoch_takes_as_long_as_most_did() -> None:
    epochs = [Epoch(0.5, 0.5, 0.5, 0.5, seconds) for seconds in (30.0, 10.0, 11.0)]
    assert seconds_per_epoch(epochs) == 10.5, "the first one prepares"
    assert seconds_per_epoch([]) == 0.0
    assert [duration(seconds) for seconds in (1, 44, 100, 3000, 9000)] == ["10 s", "40 s", "2 min", "50 min", "2.5 h"]


def test_a_part_of_a_training_knows_nothing_of_the_others(tmp_path) -> None:
    schedule = Schedule(name="a", epochs=2, steps_per_epoch=1, patience=0, checkpoint=tmp_path / "a.npz", identity="", epochs_after=3)
    assert schedule.part("head").epochs_after is None
