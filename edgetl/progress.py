"""Progress of long work: to a callback, as a bar on a terminal, or as plain lines of the log."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from edgetl import stops

_PLAIN_LINE_EVERY_S = 10.0  # without a terminal: often enough to see life, rare enough for a log

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """How far a piece of work is: what a callback of `progress_to` gets.

    Args:
        description: what is being done, such as "fine-tuning, epoch 3".
        done: steps done.
        total: steps in all.
        facts: loss and accuracy so far, or nothing.
    """

    description: str
    done: int
    total: int
    facts: str = ""


Callback = Callable[[Progress], None]
_callback: ContextVar[Callback | None] = ContextVar("edgetl_progress", default=None)


@contextmanager
def progress_to(callback: Callback) -> Iterator[None]:
    """Call the function with a `Progress` after each step of all work inside of the `with`, instead of drawing bars.

    Examples:
        >>> with edgetl.progress_to(lambda at: print(at.description, at.done, at.total)):
        ...     run = edgetl.train("flowers/")
    """
    token = _callback.set(callback)
    try:
        yield
    finally:
        _callback.reset(token)


class Ticker:
    """The function that `progress` hands out: call it after each step."""

    def __init__(self, start: Progress, show: Callback) -> None:
        self._at, self._show = start, show

    def __call__(self, steps: int = 1, facts: str = "") -> None:
        """Advance; `facts` (loss, accuracy) stand beside the bar."""
        self._at = replace(self._at, done=self._at.done + steps, facts=facts or self._at.facts)
        self._show(self._at)
        stops.check()


@contextmanager
def progress(description: str, total: int) -> Iterator[Ticker]:
    """Show the progress of the work inside of the `with`: it calls the ticker after each of `total` steps."""
    from edgetl import console  # a program that has a callback of its own needs no rich

    start, callback = Progress(description, 0, total), _callback.get()
    if callback:
        yield Ticker(start, callback)
    elif console.on_terminal():
        with console.bar(description, total) as update:
            yield Ticker(start, lambda at: update(at.done, at.facts))
    else:
        yield Ticker(start, _Lines().show)


class Pace:
    """Measures how long a step takes, without the first, which prepares: in a short training it takes longer than all others."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None

    def seconds(self, done: int, now: float) -> float | None:
        """Return how long a step took so far, where `done` were done at a time in seconds; None: that is not known yet."""
        if self._first is None:
            self._first = (now, done) if done else None
            return None
        since, before = self._first
        return (now - since) / (done - before) if done > before else None


class _Lines:
    """A line of the log now and then."""

    def __init__(self) -> None:
        self._said, self._pace = time.monotonic(), Pace()

    def show(self, at: Progress) -> None:
        now = time.monotonic()
        seconds = self._pace.seconds(at.done, now)
        if now - self._said >= _PLAIN_LINE_EVERY_S or at.done >= at.total:
            self._said = now
            left = "" if seconds is None else f", {seconds * max(at.total - at.done, 0):.0f} s left"
            logger.info(f"{at.description}: {at.done}/{at.total}{left}{', ' + at.facts if at.facts else ''}")
