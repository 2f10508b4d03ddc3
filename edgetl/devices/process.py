"""The one door to other programs: argument lists, never a shell; a program that hangs is ended with all that it started."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from edgetl.errors import DeviceError

_running: set[subprocess.Popen[bytes]] = set()


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Folder, input and environment of a program.

    Args:
        cwd: its folder; None: this process's.
        stdin: a file to feed it; None: nothing.
        env: variables on top of this process's.
    """

    cwd: Path | None = None
    stdin: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)


def call(who: str, command: Sequence[str], timeout_s: float, start: Surroundings = Surroundings()) -> bytes:  # frozen
    """Run a program and return what it writes to stdout.

    Args:
        who: the device that it serves, for messages.

    Raises DeviceError when it is not there, fails (with the end of its stderr) or takes longer than `timeout_s`.
    """
    with ExitStack() as files:
        # Files, not pipes: a pipe ends when the last holder of it does, which may be ssh's shared connection in the background.
        out, err = files.enter_context(tempfile.TemporaryFile()), files.enter_context(tempfile.TemporaryFile())
        source = files.enter_context(start.stdin.open("rb")) if start.stdin else subprocess.DEVNULL
        try:
            program = subprocess.Popen(
                list(command),
                cwd=start.cwd,
                stdin=source,
                stdout=out,
                stderr=err,
                env=os.environ | dict(start.env),
                start_new_session=True,  # a group of its own, so that its children can be ended with it
            )
        except OSError as error:
            raise DeviceError(f"{who}: cannot start {command[0]}: {error.strerror}", "is it installed, and can it be executed?") from error
        _running.add(program)
        try:
            program.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            problem = f"{who}: {command[0]} did not finish within {timeout_s:.0f} s"
            raise DeviceError(problem, "is the device overloaded, or the model too slow for it?") from error
        finally:
            _running.discard(program)
            _end(program)
        said, complained = (_content(file) for file in (out, err))
    if program.returncode:
        reason = last_lines(complained.decode(errors="replace")) or last_lines(said.decode(errors="replace"))
        raise DeviceError(f"{who}: {reason or f'exit code {program.returncode}'}", "try the same by hand on the device")
    return said


def _content(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def end_all() -> None:
    """End all programs that run now, in whichever thread: each call there raises its DeviceError."""
    for program in list(_running):
        _kill(program)


def _end(program: subprocess.Popen[bytes]) -> None:
    if program.poll() is None:
        _kill(program)
        program.wait()


def _kill(program: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)


def last_lines(text: str, count: int = 3) -> str:
    """Return the end of what a program wrote, where the reason mostly is; what a library only tells comes into it where it is all."""
    lines = text.strip().splitlines()
    telling = [line for line in lines if not line.startswith("INFO: ")] or lines
    return "; ".join(line.strip() for line in telling[-count:])
