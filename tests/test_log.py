"""The log holds what was said, is bounded, and knows no secrets."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from edgetl import console, log
from edgetl.run_folder import RunFolder, hold
from tests.conftest import CliResult


def test_what_is_said_is_logged_with_its_time(tmp_path: Path) -> None:
    console.note("before: there is no log")
    hold(tmp_path)
    console.note("a note")
    console.warn("a [bold]warning")
    console.detail("a detail")
    lines = (tmp_path / log.NAME).read_text(encoding="utf-8").splitlines()
    assert [re.sub(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00 \d+ ", "", line) for line in lines[1:]] == [
        "a note",
        "warning: a [bold]warning",
        "a detail",
    ]


def test_a_command_logs_how_it_was_called_and_how_it_ended(cli: Callable[..., CliResult], tmp_path: Path) -> None:
    RunFolder.create(tmp_path / "run", {})
    log.end()
    outcome = cli("train", "digits", "--out", tmp_path / "run", "--weights", "no such file")
    text = (tmp_path / "run" / log.NAME).read_text(encoding="utf-8")
    assert "edgetl train digits --out" in text
    assert outcome.code != 0
    assert f"ended with exit code {outcome.code}" in text
    assert "Traceback" in text, "what a bug report needs"
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("said", "secret"),
    [
        ("edgetl run x.toml --mlflow https://me:hunter2@host/path", "hunter2"),
        ("https://tok3nOnly@host/", "tok3nOnly"),
        ("MLFLOW_TRACKING_PASSWORD=hunter2", "hunter2"),
        ("HF_TOKEN: hf_abc123", "hf_abc123"),
        ('{"api_key": "k-123"}', "k-123"),
        ("aws_secret_access_key = AbC/123", "AbC/123"),
        ("GET /x?access_token=abc.def&b=1", "abc.def"),
        ("Authorization: Bearer abcdef.12345", "abcdef.12345"),
        ("--token s3cr3t", "s3cr3t"),
    ],
)
def test_secrets_do_not_get_in(tmp_path: Path, said: str, secret: str) -> None:
    hold(tmp_path)
    log.line(said)
    assert secret not in (tmp_path / log.NAME).read_text(encoding="utf-8")


@pytest.mark.parametrize("said", ["runs/a: done in 3 s", "ssh://pi:22 is there", "the class 'token' has 3 images", "mail@example.org"])
def test_what_is_no_secret_stays(said: str) -> None:
    assert log.clean(said) == said


def test_the_log_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_LARGEST_BYTES", 2000)
    hold(tmp_path)
    for number in range(200):
        log.line(f"line {number}")
    files = sorted(tmp_path.glob("edgetl.log*"))
    assert [file.name for file in files] == [log.NAME, f"{log.NAME}.1"]
    assert all(file.stat().st_size < 3000 for file in files)
    assert "line 199" in "".join(file.read_text(encoding="utf-8") for file in files), "the newest lines are kept"


def test_names_that_cannot_be_encoded_do_not_end_the_work(tmp_path: Path) -> None:
    hold(tmp_path)
    log.line("a\udcffb")
    assert r"a\udcffb" in (tmp_path / log.NAME).read_text(encoding="utf-8")


def test_verbose_shows_details_and_tracebacks(cli: Callable[..., CliResult], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "_verbose", False)
    assert "Traceback" not in cli("show", "no such run").err
    outcome = cli("show", "no such run", "--verbose")
    assert (outcome.code, "Traceback" in outcome.err) == (5, True)


def test_verbose_holds_nothing_back(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setattr(console, "_verbose", True)
    with console.hushed():
        os.write(2, b"native chatter\n")
    assert "native chatter" in capfd.readouterr().err
