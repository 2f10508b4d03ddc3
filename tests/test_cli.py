"""Commands as a user meets them: help, names, errors, JSON. None of these trains anything."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperOption

from edgetl.api.settings import SHORT
from edgetl.cli.app import _COMMANDS, app
from edgetl.cli.help import option_rows
from edgetl.cli.names import KINDS, registry
from edgetl.recipe import resource
from tests.conftest import CliResult, Made

Cli = Callable[..., CliResult]


@pytest.mark.parametrize("command", _COMMANDS)
def test_every_command_has_help_with_an_example_and_json(cli: Cli, command: str) -> None:
    outcome = cli(command, "--help")
    assert outcome.code == 0
    assert f"Example:\n    edgetl {command} " in outcome.out.replace("\n\n", " \n\n")
    assert "--json" in outcome.out


def test_help_fits_a_terminal_and_cuts_no_sentence(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    summaries = cli("--help").out
    assert "..." not in summaries.replace("[ARGS]...", ""), "the first sentence of a command is short enough for the list"
    for text in (summaries, *(cli(command, "--help").out for command in _COMMANDS)):
        assert max(map(len, text.splitlines())) <= 80
        assert "<" not in text, "an option without a metavar shows the name of its type"
        assert "[default" not in text, "there is one form: (default: 16)"


def test_help_says_all_that_a_command_does_on_a_narrow_terminal_too(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    text = " ".join(cli("--help").out.split())
    missing = [name for name, command in _COMMANDS.items() if f"{name} {(command.__doc__ or '').splitlines()[0]}" not in text]
    assert not missing


def _parameters(command: str) -> list[Any]:
    return typer.main.get_command(app).commands[command].params  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("command", _COMMANDS)
def test_help_names_the_default_of_each_option(command: str) -> None:
    for one in _parameters(command):
        if isinstance(one, TyperOption) and not (one.is_flag and not one.secondary_opts) and not one.multiple and not one.required:
            [(_, text)] = option_rows([one])
            assert re.search(r"default: .+", text), f"edgetl {command} {one.opts[0]}: {text}"


@pytest.mark.parametrize("command", ["train", "pretrain", "learning-curve", "export"])
def test_the_defaults_in_the_help_are_those_of_the_defaults_file(command: str) -> None:
    defaults = tomllib.loads(resource("defaults.toml"))
    checked = 0
    for one in _parameters(command):
        for key in (SHORT.get(one.name), f"export.{one.name}" if command == "export" else None):
            table, _, name = (key or "").partition(".")
            if name in defaults.get(table, {}) and one.default is None and not one.multiple:
                value = defaults[table][name]
                default = "none" if value == "" else "--qat" if value is True else value
                text = option_rows([one])[0][1]
                assert f"(default: {default})" in text or "the recipe's" in text, f"edgetl {command} {one.opts[0]}: {text}"
                checked += 1
    assert checked


def test_help_documents_the_exit_codes(cli: Cli) -> None:
    assert "\n      7  the models do not give the same predictions\n" in cli("--help").out


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["train", "--help"], ["benchmark", "--help"]], ids=" ".join)
def test_help_imports_only_what_it_needs(arguments: list[str]) -> None:
    """The start of every command takes 0.15 s, and it stays so: no package but typer, and of edgetl the commands alone."""
    code = f"""
import sys
before = set(sys.modules)
sys.argv = ["edgetl", *{arguments}]
from edgetl.cli.app import main
try:
    main()
except SystemExit:
    pass
new = set(sys.modules) - before
ours = {{"edgetl", "typer", "annotated_doc", "shellingham", "typing_extensions"}}
print({{name.partition(".")[0] for name in new}} - sys.stdlib_module_names - ours, file=sys.stderr)
print({{name.split(".")[1] for name in new if name.startswith("edgetl.")}}, file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    packages, rooms = done.stderr.splitlines()
    assert packages == "set()"
    assert set(ast.literal_eval(rooms)) <= {
        "cli",
        "console",
        "devices",
        "errors",
        "files",
        "log",
        "registry",
        "stops",
        "streams",
        "wording",
    }


@pytest.mark.parametrize("kind", [*KINDS, "settings"])
def test_list_names_everything_that_is_registered(cli: Cli, kind: str) -> None:
    document = cli("list", kind, "--json").document
    text = cli("list", kind).out
    names = [entry["name"] for entry in document] if isinstance(document, list) else list(document)
    if kind != "settings":
        assert names == list(registry(kind))
    assert all(name in text for name in names)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("list", "backbone"), 2, "did you mean 'backbones'?"),
        (("train", "digits", "--backbone", "mobilnet_v2"), 2, "did you mean 'mobilenet_v2'?"),
        (("train", "digits", "--alpha", "0.36"), 2, "0.35"),
        (("train", "digits", "--set", "train.epoch=3"), 2, "did you mean 'epochs'?"),
        (("train", "digits", "--set", "train.lr=0.1"), 2, "train.lr: unknown; did you mean 'learning_rate'?"),
        (("train", "digits", "--set", "train.alpha=1"), 2, "train.alpha: unknown; did you mean 'model.alpha'?"),
        (("train", "digits", "--set", "lr=1"), 2, "lr: unknown; did you mean 'train.learning_rate'?"),
        (("train", "digits", "--set", "qat=false"), 2, "qat: unknown; did you mean 'quantize.qat'?"),
        (("train", "digits", "--epochs", "-1"), 2, "train.epochs"),
        (("train", "no/such folder"), 3, "no/such folder"),
        (("train", "digit"), 3, "did you mean 'digits'?"),
        (("run", "no such.toml"), 2, "no such.toml"),
        (("export", "no such run"), 5, "no such run"),
        (("export", "--formats", "tflit"), 2, "did you mean 'tflite'?"),
        (("show", "no such run"), 5, "there is no run at no such run"),
        (("explain", "no such run", "rose.jpg"), 5, "there is no run at no such run"),
        (("predict", "model.txt", "digits:0"), 5, "there is nothing at model.txt"),
    ],
)
def test_mistakes_are_answered_with_advice(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = cli(*arguments)
    assert (outcome.code, outcome.out) == (code, "")
    assert words in outcome.err
    assert "Traceback" not in outcome.err
    assert not list(tmp_path.iterdir()), "a command that cannot be meant leaves nothing behind"


def test_an_error_is_a_json_document_too(cli: Cli) -> None:
    outcome = cli("show", "no such run", "--json")
    assert outcome.document["exit_code"] == outcome.code == 5
    assert "no such run" in outcome.document["error"]["problem"]


def test_several_mistakes_are_reported_together(cli: Cli) -> None:
    outcome = cli("train", "digits", "--set", "model.alpha=wide", "--set", "trane.epochs=3", "--batch-size", 0)
    assert all(word in outcome.err for word in ("model.alpha", "trane", "train.batch_size"))


def test_a_file_whose_name_begins_with_a_hyphen_is_proposed_by_its_path(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-flowers").mkdir()
    for words, meant in ((("predict", "runs/x", "-x.jpg"), "./-x.jpg"), (("train", "-flowers"), "./-flowers")):
        outcome = cli(*words)
        assert outcome.code == 2
        assert f"if it is a file, write {meant};" in outcome.err
    assert "./" not in cli("train", "digits", "--epoch=1.5").err


def test_weights_that_cannot_be_had_name_three_ways_on(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgetl.keras import keras

    def unreachable(*arguments: object, **options: object) -> None:
        raise Exception("URL fetch failure")  # as Keras says it

    monkeypatch.setattr(keras.utils, "get_file", unreachable)
    monkeypatch.delenv("EDGETL_WEIGHTS_DIR", raising=False)
    outcome = cli("train", "digits", "--backbone", "mobilenet_v1", "--alpha", 0.25, "--image-size", 32, "--out", tmp_path / "run")
    assert outcome.code == 4
    assert all(way in outcome.err for way in ("--weights PATH", "EDGETL_WEIGHTS_DIR", "efficientnet_lite0"))


@pytest.mark.parametrize(
    ("variable", "command"),
    [
        ("EDGETL_WEIGHTS_DIR", ["train", "digits", "--backbone", "mobilenet_v1", "--alpha", 0.25, "--image-size", 32, "--out", "run"]),
        ("EDGETL_DATA_DIR", ["train", "mnist", "--out", "run"]),
        ("EDGETL_DATA_DIR", ["pack", "fashion_mnist", "packed"]),
        ("EDGETL_DEVICES", ["devices"]),
    ],
)
def test_a_variable_that_names_nothing_is_an_error_and_no_download(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, command: list[object]
) -> None:
    from edgetl.keras import keras

    monkeypatch.setattr(keras.utils, "get_file", lambda *arguments, **options: pytest.fail("downloaded"))
    monkeypatch.setenv(variable, str(tmp_path / "not mounted"))
    monkeypatch.chdir(tmp_path)
    outcome = cli(*command)
    assert outcome.code == 2, outcome.err
    assert f"{variable} names {tmp_path}/not mounted" in " ".join(outcome.err.split())


def test_the_newest_run_is_meant_when_none_is_named(cli: Cli, made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "newest").symlink_to(made.run)
    monkeypatch.chdir(tmp_path)
    document = cli("show", "--json").document
    assert document["run"] == "runs/newest"
    assert document["validation"]["passed"] is True
    text = cli("show").out
    assert all(stage in text for stage in document["stages"])


def test_a_stage_is_reported_once(made: Made) -> None:
    reports = re.findall(r"^(\w+): done", made.outcome.err, re.MULTILINE)
    assert len(reports) > 5
    assert len(set(reports)) == len(reports), "not 'done already' right after 'done in 1 s'"


def test_top5_is_shown_where_there_are_more_classes(cli: Cli, made: Made) -> None:
    assert "top-5" not in cli("show", made.run).out, "of three classes the right one is always among them"


def test_stdout_is_one_document_and_all_else_is_on_stderr(made: Made) -> None:
    assert json.loads(made.outcome.out)
    assert "fine-tuning" in made.outcome.err


def test_the_module_runs(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "edgetl", "--version"], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.startswith("edgetl ")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("edgetl tra", {"train"}),
        ("edgetl train --backbone mobilenet_v3_l", {"mobilenet_v3_large", "mobilenet_v3_large_minimalistic"}),
        ("edgetl export --formats tflite,onnx_", {"tflite,onnx_qdq"}),
        ("edgetl ship --target a", {"android"}),
        ("edgetl list ba", {"backbones"}),
        ("edgetl benchmark --device q", {"qemu"}),
    ],
)
def test_a_shell_completes_names(line: str, found: set[str]) -> None:
    asked = {"_EDGETL_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    command = [sys.executable, "-m", "edgetl"]
    said = subprocess.run(command, env=os.environ | asked, capture_output=True, text=True, timeout=60, check=True).stdout
    assert set(said.split()) == found


def test_completion_is_installed_for_the_shell_that_asks(tmp_path: Path) -> None:
    line = f"'{sys.executable}' -m edgetl --install-completion && cat ~/.bashrc"
    environment = os.environ | {"HOME": str(tmp_path), "SHELL": "/bin/bash"}
    said = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "bash completion installed" in said
    assert ".bash_completions/edgetl.sh" in said
