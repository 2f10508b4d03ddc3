"""Stop signals: a flag, which a signal raises and the work looks at between its steps.

A command hears Ctrl-C and SIGTERM inside of `heard`. A program that uses edgetl keeps Python's own signals: there `check` does nothing.
"""

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from traceback import walk_stack
from types import FrameType
from typing import NoReturn

logger = logging.getLogger(__name__)
_TENSORFLOW = {"tensorflow", "keras", "tf_keras", "tensorflow_model_optimization"}
_asked = 0  # the exit code that a signal asks for; a process has one set of signals


def check() -> None:
    """End the work here if a signal has asked for it: after each step, and between stages."""
    if _asked:
        _end()


@contextmanager
def heard() -> Iterator[None]:
    """End the work inside of the `with` at the next `check` after a first signal, and at once after a second one.

    Raised inside of TensorFlow, a signal's exception may get lost in the C++ between two Python frames: the work goes on as if nothing was,
    fails with an error that means nothing, or hangs. Where nothing of it runs (a wait for a program, a socket), the first is at once too.
    """
    global _asked
    numbers = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is not signal.SIG_IGN]  # nohup and & ignore
    before = {number: signal.signal(number, _hear) for number in numbers}
    _asked = 0
    try:
        yield
    except BaseException as failure:
        if _asked and getattr(failure, "code", None) != 0:  # whatever fails after a signal fails of it; 0: the work was done anyway
            raise SystemExit(_asked) from failure
        raise
    finally:
        _asked = 0
        for number, handler in before.items():
            signal.signal(number, handler)


def _hear(number: int, frame: FrameType | None) -> None:
    global _asked
    again, _asked = _asked, 128 + number
    if again or not _in_tensorflow(frame):
        _end()
    logger.info("stopping when this step ends; a second signal (Ctrl-C again) stops at once")


def _end() -> NoReturn:
    raise KeyboardInterrupt if _asked == 128 + signal.SIGINT else SystemExit(_asked)


def _in_tensorflow(frame: FrameType | None) -> bool:
    packages = (str(caller.f_globals.get("__name__")).partition(".")[0] for caller, _ in walk_stack(frame))
    return next((package for package in packages if package in {"edgetl", *_TENSORFLOW}), "") in _TENSORFLOW
