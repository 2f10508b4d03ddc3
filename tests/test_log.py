"""The log holds what was said, is bounded, and knows no secrets."""

import logging
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from edgetl import console, log
from edgetl.errors import RunError
from edgetl.recipe import load
from edgetl.run_folder import RunFolder, writing
from tests.conftest import CliResult
from tests.disk import mounted

logger = logging.getLogger("edgetl.tests")


def test_what_is_said_is_logged_with_its_time(tmp_path: Path) -> None:
    logger.warning("before: there is no log")
    with writing(tmp_path):
        logger.info("a note")
        logger.warning("a [bold]warning")
        logger.debug("a detail")
    lines = (tmp_path / log.NAME).read_text(encoding="utf-8").splitlines()
    assert [re.sub(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00 \d+ ", "", line) for line in lines[1:]] == [
        "a note",
        "warning: a [bold]warning",
        "a detail",
    ]


def test_a_command_logs_how_it_was_called_and_how_it_ended(cli: Callable[..., CliResult], tmp_path: Path) -> None:
    RunFolder.create(tmp_path / "run", load())
    (tmp_path / "damaged.h5").touch()
    quick = ("--backbone", "mobilenet_v1", "--image-size", 32, "--set", "data.limit=2")
    outcome = cli("train", "digits", "--out", tmp_path / "run", *quick, "--weights", tmp_path / "damaged.h5")
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
    with writing(tmp_path):
        logger.info(said)
        try:
            raise ValueError(said)
        except ValueError:
            logger.debug("a bug", exc_info=True)
    assert secret not in (tmp_path / log.NAME).read_text(encoding="utf-8")


@pytest.mark.parametrize("said", ["runs/a: done in 3 s", "ssh://pi:22 is there", "the class 'token' has 3 images", "mail@example.org"])
def test_what_is_no_secret_stays(said: str) -> None:
    assert log.clean(said) == said


def test_the_log_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "LARGEST_BYTES", 2000)
    with writing(tmp_path):
        for number in range(200):
            logger.info(f"line {number}")
    files = sorted(tmp_path.glob("edgetl.log*"))
    assert [file.name for file in files] == [log.NAME, f"{log.NAME}.1"]
    assert all(file.stat().st_size < 3000 for file in files)
    assert "line 199" in "".join(file.read_text(encoding="utf-8") for file in files), "the newest lines are kept"


def test_names_that_cannot_be_encoded_do_not_end_the_work(tmp_path: Path) -> None:
    with writing(tmp_path):
        logger.info("a\udcffb")
    assert r"a\udcffb" in (tmp_path / log.NAME).read_text(encoding="utf-8")


def test_a_log_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    with log.RunLog(tmp_path / "no such folder" / log.NAME):
        logger.info("a note")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_ends_nothing(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "64k") as disk:
        with log.RunLog(disk / log.NAME):
            for number in range(2000):
                logger.info(f"line {number}: {'x' * 100}")
        assert (disk / log.NAME).stat().st_size > 0


def test_a_log_tells_how_the_work_ended(tmp_path: Path) -> None:
    for error, ending in (
        (RunError("no room"), "ended with exit code 5"),
        (KeyError("x"), "ended with an error"),
        (KeyboardInterrupt(), "130"),
    ):
        with pytest.raises(type(error)), log.RunLog(tmp_path / log.NAME):
            raise error
        text = (tmp_path / log.NAME).read_text(encoding="utf-8")
        assert ending in text
        assert f"{type(error).__name__}" in text


def test_two_logs_are_two_files_and_end_in_any_order(tmp_path: Path) -> None:
    level = logging.getLogger("edgetl").level
    first, second = log.RunLog(tmp_path / "first"), log.RunLog(tmp_path / "second")
    first.__enter__()
    second.__enter__()
    logger.info("both")
    first.__exit__(None, None, None)
    logger.info("one")
    second.__exit__(None, None, None)
    logger.info("none")
    said = [[word for word in ("both", "one", "none") if f" {word}\n" in (tmp_path / name).read_text()] for name in ("first", "second")]
    assert said == [["both"], ["both", "one"]]
    assert logging.getLogger("edgetl").level == level
    assert logging.getLogger("edgetl").propagate


def test_verbose_shows_details_and_tracebacks(cli: Callable[..., CliResult]) -> None:
    assert "Traceback" not in cli("show", "no such run").err
    outcome = cli("show", "no such run", "--verbose")
    assert (outcome.code, "Traceback" in outcome.err) == (5, True)


def test_verbose_holds_nothing_back(capfd: pytest.CaptureFixture[str]) -> None:
    with console.Console() as shown:
        shown.verbose = True
        with console.hushed():
            os.write(2, b"native chatter\n")
    assert "native chatter" in capfd.readouterr().err
