"""A signal raises a flag, and the work ends where it looks at that."""

import os
import signal
import subprocess
import sys

import pytest

from edgetl import stops
from edgetl.progress import progress


def test_without_a_signal_nothing_ends() -> None:
    with stops.heard():
        stops.check()
    stops.check()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_work_ends_at_the_next_step(
    number: signal.Signals, code: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(stops, "_in_tensorflow", lambda _: True)
    caplog.set_level("INFO", "edgetl")
    steps = 0
    with pytest.raises(SystemExit) as stop, stops.heard(), progress("work", 5) as tick:
        for step in range(5):
            steps = step
            if step == 2:
                signal.raise_signal(number)
            tick()
    assert (stop.value.code, steps) == (code, 2)
    assert caplog.messages == ["stopping when this step ends; a second signal (Ctrl-C again) stops at once"]
    stops.check()  # the flag is down again
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_second_signal_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stops, "_in_tensorflow", lambda _: True)
    with pytest.raises(SystemExit) as stop, stops.heard():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("the work went on")
    assert stop.value.code == 130


def test_work_that_was_done_all_the_same_is_a_success(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stops, "_in_tensorflow", lambda _: True)
    with pytest.raises(SystemExit) as stop, stops.heard():
        signal.raise_signal(signal.SIGTERM)
        sys.exit(0)
    assert stop.value.code == 0


def test_an_ignored_signal_stays_ignored() -> None:
    """As nohup and a background job of a shell wish."""
    code = "import signal, os; from edgetl import stops\nwith stops.heard(): os.kill(os.getpid(), signal.SIGINT)\nprint('done')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout == "done\n", done.stderr
