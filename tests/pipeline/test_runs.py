"""Runs side by side; what is no run, or holds somebody's own files, is never deleted."""

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import CliResult, Made

Cli = Callable[..., CliResult]


@pytest.fixture
def folder(made: Made, tmp_path: Path) -> Path:
    """Three runs, of which the second was never validated, and things that are none."""
    runs = tmp_path / "my runs"
    for number, name in enumerate(("a", "b ü", "c")):
        shutil.copytree(made.run, runs / name)
        record = json.loads((runs / name / "run.json").read_text(encoding="utf-8"))
        record["created"] = f"2026-01-0{number + 1}T00:00:00+00:00"
        record["recipe"]["train"]["learning_rate"] = 0.1 * (3 - number)
        if name == "b ü":
            del record["stages"]["validate"]
        (runs / name / "run.json").write_text(json.dumps(record), encoding="utf-8")
    (runs / "images").mkdir()
    (runs / "images" / "rose.jpg").touch()
    (runs / "other").mkdir()
    (runs / "other" / "run.json").write_text('{"schema": 99}', encoding="utf-8")
    return runs


def names(outcome: CliResult) -> list[str]:
    return [Path(row["run"]).name for row in outcome.document["runs"]]


def test_best_first_by_any_column(cli: Cli, folder: Path) -> None:
    assert names(cli("runs", folder, "--json")) == ["c", "b ü", "a"], "newest first"
    assert names(cli("runs", folder, "--sort", "train.learning_rate", "--json")) == ["c", "b ü", "a"]
    outcome = cli("runs", folder, "--sort", "int8_top1", "--columns", "int8_top1,train.learning_rate", "--json")
    assert names(outcome)[-1] == "b ü", "a run without the figure comes last"
    assert set(outcome.document["runs"][0]) == {"run", "int8_top1", "train.learning_rate"}
    shown = cli("runs", folder)
    assert "passed" in shown.out
    assert "images" not in shown.out


def test_mistakes_are_said(cli: Cli, folder: Path, tmp_path: Path) -> None:
    outcome = cli("runs", folder, "--sort", "int8_top")
    assert outcome.code == 2
    assert "did you mean 'int8_top1'" in outcome.err
    assert cli("runs", tmp_path / "none").code == 5


def test_only_runs_are_deleted(cli: Cli, folder: Path, tmp_path: Path) -> None:
    (folder / "a" / "my notes.docx").touch()
    kept = tmp_path / "kept"
    shutil.copytree(folder / "c", kept)
    (folder / "linked").symlink_to(kept)
    outcome = cli("runs", folder, "--keep", 0, "--yes", "--json")
    assert outcome.code == 0, outcome.err
    assert {Path(path).name for path in outcome.document["deleted"]} == {"b ü", "c"}
    assert {path.name for path in folder.iterdir()} == {"a", "images", "other", "linked"}
    assert (kept / "run.json").exists()
    assert "my notes.docx, which edgetl did not write" in outcome.err


def test_it_asks_first(cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typer.confirm", lambda text, err: "b ü" in text)
    outcome = cli("runs", folder, "--keep", 1, "--json")
    assert [Path(path).name for path in outcome.document["deleted"]] == ["b ü"]
    assert (folder / "a").is_dir()
    monkeypatch.undo()
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert cli("runs", folder, "--keep", 0).code == 2, "no answer is no"
    assert (folder / "a").is_dir()
