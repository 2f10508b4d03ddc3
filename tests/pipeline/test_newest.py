"""Where no run is named, a command takes the newest that it can use, and says which one and why not a newer one."""

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgetl.errors import RunError, UsageError
from edgetl.pipeline.newest import USES, newest
from edgetl.recipe import load
from edgetl.run_folder import RUNS, RunFolder
from tests.conftest import CliResult, Made, write_record

Cli = Callable[..., CliResult]
READ = {"show", "report", "track"}
FILES = READ | {"export", "sensitivity", "explain", "validate", "evaluate", "benchmark"}


def with_stages(*names: str) -> Callable[[dict[str, Any]], None]:
    def change(record: dict[str, Any]) -> None:
        record["stages"] = {name: stage for name, stage in record["stages"].items() if name in names}

    return change


def trained_again(record: dict[str, Any]) -> None:
    record["stages"]["float"]["inputs"] = "another"


def of_other_classes(record: dict[str, Any]) -> None:
    record["stages"]["data"]["facts"]["class_names"] = ["0", "1", "7"]


TRAINED = ("data", "float", "ptq_int8", "qat_int8")
EXPORTED = (*TRAINED, "export_float32", "export_float16", "export_int8")
# What a training that failed, or a command that was not called yet, leaves, and what the run can be used for.
STATES: dict[str, tuple[Callable[[dict[str, Any]], None], set[str]]] = {
    "created": (with_stages(), READ),
    "data": (with_stages("data"), READ),
    "float": (with_stages(*TRAINED[:2]), READ | {"evaluate"}),
    "calibrated": (with_stages(*TRAINED[:3]), READ | {"evaluate", "sensitivity", "explain"}),
    "trained": (with_stages(*TRAINED), READ | {"evaluate", "sensitivity", "explain", "export"}),
    "exported": (with_stages(*EXPORTED), FILES),
    "validated": (lambda record: None, set(USES)),
    "trained again": (trained_again, READ | {"card"}),
    "other classes": (of_other_classes, READ | {"card"}),
}


@pytest.fixture
def runs(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return runs/newer, a copy of runs/older, in the working directory."""
    monkeypatch.chdir(tmp_path)
    RUNS.mkdir()
    (RUNS / "older").symlink_to(made.run)
    shutil.copytree(made.run, RUNS / "newer")
    return RUNS / "newer"


def touch(run: Path, age_s: float = 0) -> None:
    os.utime(run / "run.json", (time.time() - age_s, time.time() - age_s))


@pytest.mark.parametrize("state", STATES)
def test_the_newest_that_can_be_used_is_taken(runs: Path, caplog: pytest.LogCaptureFixture, state: str) -> None:
    change, usable = STATES[state]
    record = json.loads((runs / "run.json").read_text(encoding="utf-8"))
    change(record)
    write_record(runs / "run.json", record)
    touch(runs, -1)
    with caplog.at_level("INFO", "edgetl"):
        for use in USES:
            caplog.clear()
            name = newest(use).path.name
            assert name == ("newer" if use in usable else "older"), use
            said = [line for line in caplog.messages if line.startswith("run: ")]
            assert len(said) == 1, "once"
            assert f"runs/{name}, the newest" in said[0]
            assert ("newer ones cannot" in said[0] and "runs/newer" in said[0]) is (name == "older"), "why a newer one is not taken"


def test_a_damaged_model_makes_a_run_unusable_for_what_needs_it(runs: Path) -> None:
    (runs / "float.keras").write_bytes(b"")
    touch(runs, -1)
    assert {use for use in USES if newest(use).path.name == "newer"} == READ | {"benchmark", "bundle", "ship", "card"}
    (runs / "run.json").write_text("{")
    touch(runs, -1)
    assert {newest(use).path.name for use in USES} == {"older"}


@pytest.fixture
def unfinished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """Return runs/x, all that a training leaves that failed at once."""
    monkeypatch.chdir(tmp_path)
    return RunFolder.create(RUNS / "x", load())


COMMANDS = {
    "export": [],
    "validate": [],
    "evaluate": [],
    "sensitivity": [],
    "explain": ["digits:7"],
    "benchmark": [],
    "bundle": [],
    "ship": ["--target", "web", "--out", "app"],
    "card": [],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_asks_for_a_run_that_it_can_use(cli: Cli, unfinished: RunFolder, command: str) -> None:
    outcome = cli(command, *COMMANDS[command])
    assert outcome.code == 5, outcome.err
    assert f"no run under runs/ can be used for '{command}': runs/x " in " ".join(outcome.err.split())
    assert "edgetl show runs/x" in outcome.err


@pytest.mark.parametrize("command", ["show", "report"])
def test_a_command_that_only_reads_takes_any_run(cli: Cli, unfinished: RunFolder, command: str) -> None:
    outcome = cli(command)
    assert outcome.code == 0, outcome.err
    assert outcome.err.count("run: runs/x, the newest") == 1


def test_without_a_run_there_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match="there is no run under runs/"):
        newest()
    with pytest.raises(UsageError, match="did you mean 'export'"):
        newest("exprt")


def test_of_several_the_newest_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for age_s, name in enumerate(["new", "older", "oldest"]):
        touch(RunFolder.create(RUNS / name, load()).path, age_s + 1000)
    assert newest().path.name == "new"


def test_a_clock_that_was_changed_does_not_choose_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    touch(RunFolder.create(RUNS / "first", load()).path, -3600)
    assert newest().path.name == "first", "the only one"
    RunFolder.create(RUNS / "second", load())
    with pytest.raises(RunError, match="written in the future"):
        newest()
