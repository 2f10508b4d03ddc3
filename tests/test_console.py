"""stdout is for results: with --json one document and nothing else; what native code says is shown only when it matters."""

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgetl import console
from edgetl import progress as progress_module
from edgetl.progress import Pace, Progress, progress, progress_to


@pytest.fixture(autouse=True)
def shown() -> Iterator[console.Console]:
    """What a command opens."""
    with console.Console() as opened:
        yield opened


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """No terminal, whatever the environment claims."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)


def test_json_leaves_stdout_to_one_document(shown: console.Console, capsys: pytest.CaptureFixture[str]) -> None:
    shown.json = True
    console.note("a note")
    console.warn("a warning")
    console.table("Scores", ["name", "top1"], [["a", 0.5]])
    console.result({"label": "Käfer"}, "text for people")
    out, err = capsys.readouterr()
    assert json.loads(out) == {"label": "Käfer"}
    assert "Scores" in err


def test_without_json_the_text_is_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    console.note("a note")
    console.table("Scores", ["name", "top1"], [["a", None]])
    console.result({"label": 1}, "text for people")
    out, err = capsys.readouterr()
    assert "Scores" in out
    assert out.endswith("text for people\n")
    assert err == "a note\n"


def test_names_are_not_read_as_markup(capsys: pytest.CaptureFixture[str]) -> None:
    """A folder may be called '[bold]'; the name must come out as it is."""
    console.table("Classes", ["name"], [["[bold]x[/bold]"]])
    console.warn("[red]x")
    out, err = capsys.readouterr()
    assert "[bold]x[/bold]" in out
    assert "[red]x" in err


def test_colons_are_no_emoji(capsys: pytest.CaptureFixture[str]) -> None:
    console.table(":cat:", [":cat:"], [[":cat:"]])
    console.warn(":cat:")
    out, err = capsys.readouterr()
    assert (out.count(":cat:"), err.count(":cat:")) == (3, 1)


NASTY = "\x1b[2J\x07\x9b31m\r\x00\u202egpj.exe\u2066\ud800\x7f"


@pytest.mark.parametrize("wanted", [False, True], ids=["text", "json"])
def test_names_never_steer_a_terminal(wanted: bool, shown: console.Console, capsys: pytest.CaptureFixture[str]) -> None:
    """Files and classes are named by others: escape codes, text that runs backwards, halves of characters."""
    shown.json = wanted
    console.note(NASTY)
    console.warn(NASTY)
    console.fail(NASTY, NASTY)
    console.table(NASTY, [NASTY], [[f"a{NASTY}\nb"]])
    console.result({NASTY: NASTY}, NASTY)
    with progress(NASTY, total=1) as tick:
        tick(facts=NASTY)
    out, err = capsys.readouterr()
    assert not [character for character in out + err if console.shown(character) != character]
    assert "\\u001b" in err
    if wanted:
        assert json.loads(out) == {NASTY: NASTY}, "escaped as JSON escapes"


def test_other_writing_systems_stay_as_they_are() -> None:
    assert console.shown("שלום ملف 花.png\n\tx") == "שלום ملف 花.png\n\tx"


def test_a_failure_names_the_problem_then_the_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    console.fail("no images", "put some there")
    assert capsys.readouterr().err == "error: no images\nput some there\n"


@pytest.mark.usefixtures("plain")
def test_progress_without_a_terminal_is_a_few_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("epoch 1", total=1000) as tick:
        for _ in range(1000):
            tick(facts="loss 0.5")
    err = capsys.readouterr().err
    assert err == "epoch 1: 1000/1000, 0 s left, loss 0.5\n", "a quick step says one line, at its end"


def test_the_pace_leaves_out_the_step_that_prepares() -> None:
    pace = Pace()
    assert [pace.seconds(done, now) for done, now in ((0, 0), (1, 60), (2, 61), (5, 64))] == [None, None, 1, 1]


@pytest.mark.usefixtures("plain")
def test_progress_shows_life_every_ten_seconds(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 4))
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: next(clock))
    with progress("epoch 1", total=100) as tick:
        for _ in range(6):
            tick()
    assert capsys.readouterr().err.count("\n") == 2


@pytest.mark.usefixtures("plain")
class _Screen(io.StringIO):
    """A terminal that keeps what is drawn on it."""

    def isatty(self) -> bool:
        return True


def test_a_bar_lets_pass_what_is_written_and_logged_meanwhile(shown: console.Console, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a bar is drawn, rich stands before sys.stdout and sys.stderr."""
    for variable, value in {"TERM": "xterm", "COLUMNS": "80"}.items():
        monkeypatch.setenv(variable, value)
    drawn = _Screen()
    monkeypatch.setattr("sys.stderr", drawn)
    monkeypatch.setattr("sys.stdout", drawn)
    console._screen.cache_clear()
    with progress("reading images", 2) as tick:
        tick()
        sys.stderr.write("by a library\n")
        sys.stdout.write("by another\n")
        logging.getLogger("edgetl.data").warning("logged")
        console.result({}, "the result")
        tick()
    console._screen.cache_clear()
    for text in ("by a library", "by another", "warning: logged", "the result"):
        assert drawn.getvalue().count(text) == 1, text
    assert "2/2" in drawn.getvalue()
    assert drawn.getvalue().endswith("\x1b[?25h"), "the cursor is back"


def test_progress_of_nothing_is_no_error() -> None:
    with progress("empty", total=0) as tick:
        tick(0)


def test_progress_can_go_to_a_function() -> None:
    seen: list[Progress] = []
    with progress_to(seen.append), progress("epoch 1", total=2) as tick:
        tick(facts="loss 0.5")
        tick()
    assert seen == [Progress("epoch 1", 1, 2, "loss 0.5"), Progress("epoch 1", 2, 2, "loss 0.5")]


def test_verbose_shows_debug_messages(shown: console.Console, capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("edgetl.anything")
    logger.debug("hidden")
    shown.verbose = True
    logger.debug("a detail")
    assert capsys.readouterr().err == "a detail\n"


SCRIPT = """
import logging, sys
from edgetl import console, log
logger = logging.getLogger("edgetl.data")
def say(where):
    logger.info(f"info {where}")
    logger.warning(f"warning {where}")
say("before")
with log.RunLog(log.Path(sys.argv[1])):
    say("inside")
with console.Console():
    say("command")
say("after")
logging.basicConfig(level="INFO", format="root: %(message)s")
say("set up")
with log.RunLog(log.Path(sys.argv[1])):
    logger.debug("a detail")
    say("set up, inside")
assert not logging.getLogger("edgetl").handlers
"""


def test_a_program_around_edgetl_keeps_its_logging(tmp_path: Path) -> None:
    """Python's defaults hold: warnings on stderr, or what the program has set up; a log file that is open changes neither."""
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path / "edgetl.log")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert done.stderr.splitlines() == [
        "warning before",
        "warning inside",
        "info command",
        "warning: warning command",
        "warning after",
        "root: info set up",
        "root: warning set up",
        "root: info set up, inside",
        "root: warning set up, inside",
    ]
    assert "a detail" in (tmp_path / "edgetl.log").read_text(encoding="utf-8")


def test_hushed_drops_native_chatter(capfd: pytest.CaptureFixture[str]) -> None:
    with console.hushed():
        os.write(2, b"native chatter\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_hushed_replays_when_the_work_fails(capfd: pytest.CaptureFixture[str]) -> None:
    """The native message is often the only explanation there is."""
    with pytest.raises(ValueError, match="failed"), console.hushed():
        os.write(2, b"the native reason\n")
        raise ValueError("failed")
    assert capfd.readouterr().err == "the native reason\n"


def test_hushed_leaves_no_file_open(capfd: pytest.CaptureFixture[str]) -> None:
    def descriptors() -> int:
        return len(os.listdir("/dev/fd"))

    before = descriptors()
    with console.hushed():
        pass
    assert descriptors() == before
