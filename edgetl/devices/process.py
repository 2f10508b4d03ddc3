"""The one door to other programs: argument lists, never a shell; what hangs is ended with all that it started."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from edgetl.errors import DeviceError

_running: set[subprocess.Popen[bytes]] = set()


def call(
    who: str,
    command: Sequence[str],
    timeout_s: float,
    cwd: Path | None = None,
    stdin: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> bytes:
    """What a program writes to stdout.

    Args:
        who: the device that it serves, for messages.
        stdin: a file to feed it.
        env: variables on top of this process's.

    Raises DeviceError when it is not there, fails (with the end of its stderr) or takes longer than `timeout_s`.
    """
    source = stdin.open("rb") if stdin else None
    try:
        program = subprocess.Popen(
            list(command),
            cwd=cwd,
            stdin=source or subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | (env or {}),
            start_new_session=True,  # a group of its own, so that its children can be ended with it
        )
    except OSError as error:
        raise DeviceError(f"{who}: cannot start {command[0]}: {error.strerror}", "is it installed, and can it be executed?") from error
    finally:
        if source:
            source.close()
    _running.add(program)
    try:
        out, err = program.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired as error:
        raise DeviceError(
            f"{who}: {command[0]} did not finish within {timeout_s:.0f} s", "is the device overloaded, or the model too slow for it?"
        ) from error
    finally:
        _running.discard(program)
        _end(program)
    if program.returncode:
        said = last_lines(err.decode(errors="replace")) or last_lines(out.decode(errors="replace")) or f"exit code {program.returncode}"
        raise DeviceError(f"{who}: {said}", "try the same by hand on the device")
    return out


def end_all() -> None:
    """End what runs now, in whichever thread: each call there raises its DeviceError."""
    for program in list(_running):
        with suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)


def _end(program: subprocess.Popen[bytes]) -> None:
    if program.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        program.communicate()


def last_lines(text: str, count: int = 3) -> str:
    """What a program said at its end, where the reason mostly is."""
    return "; ".join(line.strip() for line in text.strip().splitlines()[-count:])
