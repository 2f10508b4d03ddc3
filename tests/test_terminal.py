"""What the commands print, on terminals of every width and streams of every kind.

Each command runs once, and its output is printed again.
"""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgetl import console
from edgetl.cli.app import _COMMANDS
from edgetl.errors import NOT_READ
from tests.conftest import NAME, CliResult, Made
from tests.fuzz.documents import example

Printed = list[tuple[str, tuple[Any, ...]]]  # functions of console and their arguments, in order
DOORS = ("table", "note", "warn", "fail", "result", "json_result")
NASTY = "Käfer 数字 \U0001f600"  # of no encoding but Unicode's
WITHOUT_A_TABLE = {"pretrain", "keygen", "ship", "card", "report"}


@pytest.fixture(scope="module")
def arguments(made: Made, bundled: Path, digit_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """Return the arguments with which each command is called."""
    folder = tmp_path_factory.mktemp("printed") / NAME
    run = shutil.copytree(made.run, folder / "runs" / "one")  # which evaluate and explain write into
    images = sorted((digit_folder / "1").glob("digits*.png"))[:2]
    quick = ["--runs", 1, "--warmup", 0, "--duration", 0]
    return {
        "doctor": [digit_folder, "--fast", "--out", folder / "doctor"],
        "train": [digit_folder, "--recipe", made.recipe, "--out", run],
        "pretrain": [digit_folder, "--out", folder / "own.npz"],
        "import": [made.run / "export" / "model_float32.onnx", "--data", digit_folder, "--out", run],
        "export": [run],
        "validate": [run],
        "evaluate": [run],
        "compare": [run, shutil.copytree(run, folder / "copy"), "--out", folder],
        "learning-curve": [digit_folder],
        "benchmark": [run / "export" / "model_int8.tflite", *quick],
        "devices": [],
        "bundle": [run, "--out", folder / "b.edgetl"],
        "verify": [bundled],
        "keygen": [folder / "key"],
        "ship": [bundled, "--target", "linux", "--out", folder / "app"],
        "run": [made.recipe, "--out", run],
        "tune": [digit_folder],
        "predict": [run, *images],
        "sensitivity": [run],
        "explain": [run, images[0]],
        "card": [run, "--out", folder / "card"],
        "report": [run],
        "list": ["backbones"],
        "show": [run],
        "env": [],
        "runs": [run.parent],
        "pack": [digit_folder, folder / "packed"],
    }


@pytest.fixture(scope="module")
def printed(arguments: dict[str, list[Any]], made: Made) -> Callable[[str], Printed]:
    """Return a function that runs a command, once, and returns what it prints."""
    known: dict[str, Printed] = {}

    def run(command: str) -> Printed:
        if command not in known:
            with pytest.MonkeyPatch.context() as patch:
                _spare_what_takes_long(patch, made.run)
                known[command] = _recorded([command, *map(str, arguments[command])])
        return known[command]

    return run


def _recorded(words: list[str]) -> Printed:
    from edgetl.cli.app import main

    calls: Printed = []
    with pytest.MonkeyPatch.context() as patch:
        for name in DOORS:
            patch.setattr(console, name, lambda *given, name=name: calls.append((name, given)))
        patch.setattr(sys, "argv", ["edgetl", *words])
        with pytest.raises(SystemExit) as stop:
            main()
    assert not stop.value.code, calls
    return calls


def _spare_what_takes_long(patch: pytest.MonkeyPatch, run: Path) -> None:
    """Let what trains, or measures for long, give an example: what is printed of it is the commands' own."""
    from edgetl.api import results, training
    from edgetl.api.run import Run
    from edgetl.documents import DOCUMENTS
    from edgetl.report.page.blocks import Absent
    from edgetl.run_record import FloatFacts

    def document(name: str) -> Any:
        return DOCUMENTS.load(name).parse(json.loads(example(name)))

    facts = document("run").find("float", FloatFacts)
    patch.setattr(training, "import_model", lambda *_, **__: Run(run))
    patch.setattr(training, "tune", lambda *_, **__: results.Tuned(Path(NASTY), document("tuning_record")))
    patch.setattr(training, "pretrain", lambda *_, **__: results.Pretrained(Path(NASTY), Path(NASTY), "small_cnn", facts))
    patch.setattr(training, "learning_curve", lambda *_, **__: training.Estimated(Run(run), document("learning_curve")))
    patch.setattr(Run, "sensitivity", lambda *_, **__: document("sensitivity"))
    patch.setattr(Run, "validate", lambda *_, **__: document("validation"))
    patch.setattr(Run, "report", lambda *_, **__: results.Report(Path(NASTY), 1000, (Absent("x", "y"),)))


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tuple[io.BytesIO, io.BytesIO]]:
    """Return a function that makes stdout and stderr files in memory of an encoding."""

    def put(encoding: str) -> tuple[io.BytesIO, io.BytesIO]:
        files = io.BytesIO(), io.BytesIO()
        for name, file in zip(("stdout", "stderr"), files, strict=True):
            monkeypatch.setattr(sys, name, io.TextIOWrapper(file, encoding=encoding, write_through=True))
        return files

    return put


def printed_again(calls: Printed, *, as_json: bool) -> None:
    with console.Console() as opened:
        opened.json = as_json
        for name, given in calls:
            getattr(console, name)(*given)


@pytest.mark.parametrize("width", [40, 50, 80, 120])
@pytest.mark.parametrize("command", _COMMANDS)
def test_no_number_and_no_word_of_a_table_is_cut(
    command: str, width: int, printed: Callable[[str], Printed], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = [given for name, given in printed(command) if name == "table"]
    assert bool(tables) == (command not in WITHOUT_A_TABLE)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(console, "_screen", console._screen.__wrapped__)
    for title, columns, rows in tables:
        capsys.readouterr()
        console.table(title, columns, rows)
        lines = capsys.readouterr().out.splitlines()[1:]
        for row in rows:
            for value in map(str, filter(None, row)):
                seen = lines if re.fullmatch(r"[-+<>\d.,%() to]+", value) else re.split(r"\s", " ".join(lines))
                assert all(any(word in line for line in seen) for word in ([value] if seen is lines else value.split())), (value, lines)
        folded = [line for line in lines if line.startswith(" ")]
        assert max(map(len, lines)) <= width or folded, "what is wider is no table, but records, which the terminal folds"


ENCODINGS = ["ascii", "latin-1", "cp1252", "utf-8", "utf-16"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("command", _COMMANDS)
def test_every_encoding_gets_the_output(
    command: str, encoding: str, printed: Callable[[str], Printed], streams: Callable[[str], tuple[io.BytesIO, io.BytesIO]]
) -> None:
    calls = printed(command)
    out, err = streams(encoding)
    printed_again(calls, as_json=False)
    assert out.getvalue().decode(encoding) + err.getvalue().decode(encoding)
    [document] = [given[0] for name, given in calls if name in ("result", "json_result")]
    out, _ = streams(encoding)
    printed_again([*(call for call in calls if call[0] == "table"), ("result", ({NASTY: document},))], as_json=True)
    assert json.loads(out.getvalue().decode(encoding)) == {NASTY: json.loads(json.dumps(document))}


def test_what_an_encoding_does_not_hold_is_escaped(streams: Callable[[str], tuple[io.BytesIO, io.BytesIO]]) -> None:
    out, err = streams("latin-1")
    console.table(NASTY, ["class", "n"], [[NASTY, 1]])
    with console.Console():
        console.note(NASTY)
    console.result({}, NASTY)
    escaped = "Käfer \\u6570\\u5b57 \\U0001f600"
    shown = out.getvalue().decode("latin-1")
    assert shown.count(escaped) == 3
    assert re.search(rf"^{re.escape(escaped)}  1$", shown, re.MULTILINE), "columns are aligned all the same"
    assert "---" in shown
    assert err.getvalue().decode("latin-1") == f"{escaped}\n"


MISUSES = [
    (["bogus"], "No such command 'bogus'"),
    (["train", "--epoch", "3"], "--epochs"),
    (["train"], "DATA"),
    (["train", "digits", "--epochs"], "--epochs"),
    (["train", "digits", "--epochs", "many"], "valid integer"),
    (["export", "--max-drop", "101"], "--max-drop"),
    (["report", "--format", "doc"], "doc"),
    (["verify"], "FILE.edgetl"),
]


@pytest.mark.parametrize(("words", "problem"), MISUSES, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_a_misuse_is_a_json_document_too(words: list[str], problem: str, cli: Callable[..., CliResult]) -> None:
    outcome = cli(words[0], "--json", *words[1:])
    assert outcome.code == outcome.document["exit_code"] == 2
    assert problem in outcome.document["error"]["problem"]
    assert "--help'" in outcome.document["error"]["remedy"]
    plain = cli(*words)
    assert (plain.code, plain.out) == (2, "")
    read_on = "read on: docs/troubleshooting.md#exit-code-2"
    assert plain.err == "error: {problem}\n{remedy}\n{read_on}\n".format(**outcome.document["error"], read_on=read_on)


@pytest.mark.parametrize("command", _COMMANDS)
def test_no_command_takes_an_unknown_option_silently(command: str, cli: Callable[..., CliResult]) -> None:
    outcome = cli(command, "--json", "--no-such-option")
    assert outcome.code == outcome.document["exit_code"] == 2


def test_without_words_there_is_the_help(cli: Callable[..., CliResult]) -> None:
    outcome = cli()
    assert outcome.code == 2
    assert "Exit codes:" in outcome.err


def test_deleting_is_confirmed_or_an_error(made: Made, cli: Callable[..., CliResult], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    outcome = cli("runs", made.run.parent, "--keep", 0, "--json")
    assert outcome.code == outcome.document["exit_code"] == 2
    assert made.run.exists()


def shell(line: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of bash in which `edgetl` is this one."""
    start = f'edgetl() {{ "{sys.executable}" -m edgetl "$@"; }}; set -o pipefail; {line}'
    return subprocess.run(["bash", "-c", start], cwd=cwd, capture_output=True, check=False, timeout=120, env=os.environ | environment)


@pytest.mark.parametrize(
    ("line", "code", "out", "err"),
    [
        ("edgetl list backbones --json 2>&-", 0, b'"mobilenet_v2"', b""),
        ("edgetl list backbones 2>/dev/full", 0, b"mobilenet_v2", b""),
        ("edgetl show nope --json 2>&-", 5, b'"exit_code": 5', b""),
        ("edgetl list backbones --json >/dev/full", 5, b"", b"cannot print the result: No space left on device"),
        ("edgetl list backbones >/dev/full", 5, b"", b"cannot print the result: No space left on device"),
        ("edgetl list backbones --json >&-", 5, b"", b"cannot print the result: stdout is closed"),
        ("edgetl show nope --json >/dev/full", 5, b"", b"there is no run at nope"),
        ("edgetl train --json >&-", 2, b"", b"Missing argument"),
        ("edgetl --help >/dev/full", 5, b"", b"No space left on device"),
        ("edgetl list settings | true", NOT_READ, b"", b""),
        ("edgetl train --help | true", NOT_READ, b"", b""),
        ("edgetl show $'no\\xffpe' --json", 5, b"no\\udcffpe", b""),
        ("edgetl list backbones <&- 2>&-", 0, b"mobilenet_v2", b""),
    ],
)
def test_streams_that_take_nothing(line: str, code: int, out: bytes, err: bytes, tmp_path: Path) -> None:
    line = line.replace("| true", "| (exec <&-; sleep 0.1)")
    done = shell(line, tmp_path)
    assert b"Traceback" not in done.stderr
    assert done.returncode == code, done.stderr
    assert out in done.stdout
    assert err in done.stderr


def test_a_closed_stderr_is_no_file_that_native_code_writes_into(made: Made, tmp_path: Path) -> None:
    """TensorFlow writes to descriptor 2, whatever that is by then."""
    line = f'edgetl predict "{made.run}" digits:1 digits:2 --json 2>&- <&-'
    done = shell(line, tmp_path, PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert [one["image"] for one in json.loads(done.stdout)] == ["digits:1", "digits:2"]


BYTES = os.fsdecode(b"no\xffpe")  # a name of bytes that are not UTF-8


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["doctor", "DATA", "--fast", "--out", "HERE/NAME"], 0, "HERE/NAME"),
        (["doctor", "HERE/NAME", "--fast"], 2, "NAME"),
        (["train", "HERE/NAME"], 2, "data.source"),
        (["train", "digits", "--exclude", "NAME"], 2, "data.exclude"),
        (["train", "digits", "--set", "about.name=NAME"], 2, "about.name"),
        (["learning-curve", "NAME"], 2, "data.source"),
        (["pretrain", "NAME"], 2, "data.source"),
        (["tune", "NAME"], 2, "data.source"),
        (["run", "NAME"], 2, "NAME"),
        (["export", "NAME"], 5, "NAME"),
        (["show", "NAME"], 5, "NAME"),
        (["compare", "NAME", "other"], 5, "NAME"),
        (["benchmark", "NAME"], 5, "NAME"),
        (["bundle", "RUN", "--out", "HERE/NAME.edgetl"], 0, "HERE/NAME.edgetl"),
        (["verify", "NAME.edgetl"], 5, "NAME.edgetl"),
        (["keygen", "HERE/NAME"], 0, "HERE/NAME.pub"),
        (["ship", "BUNDLE", "--target", "linux", "--out", "HERE/NAME"], 0, "HERE/NAME"),
        (["predict", "RUN", "HERE/NAME", "digits:1", "--csv", "HERE/NAME.csv"], 3, "HERE/NAME"),
        (["explain", "RUN", "NAME"], 3, "NAME"),
        (["card", "RUN", "--out", "HERE/NAME"], 0, "HERE/NAME"),
        (["list", "NAME"], 2, "NAME"),
        (["runs", "NAME"], 5, "NAME"),
        (["pack", "NAME", "HERE/packed"], 2, "NAME"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_names_that_are_not_utf8(
    words: list[str], code: int, said: str, made: Made, bundled: Path, digit_folder: Path, cli: Callable[..., CliResult], tmp_path: Path
) -> None:
    (tmp_path / BYTES).mkdir()
    if words[0] in ("keygen", "ship", "card", "doctor") and code == 0:
        (tmp_path / BYTES).rmdir()
    places = {"RUN": made.run, "BUNDLE": bundled, "DATA": digit_folder, "HERE": tmp_path, "NAME": BYTES}

    def put(text: str) -> str:
        return re.sub("|".join(places), lambda found: str(places[found[0]]), text)

    outcome = cli(*map(put, words))
    assert outcome.code == code, outcome.err
    assert console.shown(put(said)) in outcome.out + outcome.err
    if words[0] not in ("keygen", "ship"):  # which write once
        assert cli(*map(put, words), "--json").code == code
