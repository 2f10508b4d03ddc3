"""Ctrl-C and SIGTERM end a command alike: temporary files go, programs and devices are let go of."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from traceback import walk_stack
from types import FrameType
from typing import Any, NoReturn

_TENSORFLOW = {"tensorflow", "keras", "tf_keras", "tensorflow_model_optimization"}


@contextmanager
def end_cleanly() -> Iterator[None]:
    """The first signal ends the command at the next line of our own code, a second one at once.

    Raised inside of TensorFlow, a signal's exception may get lost in the C++ between two Python frames: the work goes on as if nothing was,
    fails with an error that means nothing, or hangs. Where nothing of it runs (a wait for a program, a socket), the first is at once too.
    """
    told = 0

    def hear(number: int, frame: FrameType | None) -> None:
        nonlocal told
        again, told = told, 128 + number
        if again or not _in_tensorflow(frame):
            end()
        for caller, _ in walk_stack(frame):
            caller.f_trace = at_own_line
        sys.settrace(at_own_line)

    def at_own_line(frame: FrameType, _event: str, _arg: Any) -> None:
        if _package(frame) == "edgetl":
            end()

    def end() -> NoReturn:
        sys.settrace(None)
        raise KeyboardInterrupt if told == 128 + signal.SIGINT else SystemExit(told)

    heard = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is not signal.SIG_IGN]  # as nohup and & wish
    before = {number: signal.signal(number, hear) for number in heard}
    try:
        yield
    except BaseException as failure:
        if told and getattr(failure, "code", None) != 0:  # whatever fails after a signal fails of it; 0: the work was done all the same
            raise SystemExit(told) from failure
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_tensorflow(frame: FrameType | None) -> bool:
    packages = map(_package, (caller for caller, _ in walk_stack(frame)))
    return next((package for package in packages if package in {"edgetl", *_TENSORFLOW}), "") in _TENSORFLOW


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__")).partition(".")[0]
