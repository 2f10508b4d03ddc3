"""The only module that prints. Results go to stdout; progress, notes and warnings to stderr.

With `--json` stdout carries one JSON document and nothing else; tables then go to stderr.
"""

import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from edgetl import log

_NUMBER = re.compile(r"[-+]?[\d.,]+( s)?")
# What moves the cursor, colours the terminal, reverses the line, or cannot be encoded: names of files and classes come from others.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_LISTED = 20  # lines of a list in a message
_PLAIN_LINE_EVERY_S = 10.0  # without a terminal: often enough to see life, rare enough for a log


class _Logged(Console):
    """What is said is logged too; bars and tables are not."""

    def print(self, *objects: Any, **options: Any) -> None:
        for said in objects:
            if isinstance(said, str):
                log.line(said)
        super().print(*objects, **options)


_out = _Logged(highlight=False)
_err = _Logged(stderr=True, highlight=False)
_json_wanted = False
_verbose = False


def want_json() -> None:
    """From here on stdout is for one JSON document."""
    global _json_wanted
    _json_wanted = True


def want_verbose() -> None:
    """From here on details are shown, what native code says is not held back, and an error comes with its traceback."""
    global _verbose
    _verbose = True


def is_verbose() -> bool:
    return _verbose


def detail(message: str) -> None:
    """For the log; on the screen with --verbose."""
    if _verbose:
        _err.print(message, markup=False, style="dim", soft_wrap=True)
    else:
        log.line(message)


def shown(text: str) -> str:
    """The text as a terminal may have it: control characters escaped, but for line breaks and tabs."""
    return _UNSEEN.sub(lambda found: _escaped(found[0]), text)


def _escaped(character: str) -> str:
    return f"\\u{ord(character):04x}"  # which JSON knows too


def note(message: str) -> None:
    _err.print(shown(message), markup=False, soft_wrap=True)


def warn(message: str) -> None:
    _err.print(shown(f"warning: {message}"), markup=False, style="yellow", soft_wrap=True)


def fail(problem: str, remedy: str) -> None:
    _err.print(shown(f"error: {problem}"), markup=False, style="bold red", soft_wrap=True)
    if remedy:
        _err.print(shown(remedy), markup=False, soft_wrap=True)


def some(lines: Sequence[str]) -> str:
    """The first of them as lines of a message, and how many more there are: enough to see the pattern, few enough to read."""
    more = f"\n  and {len(lines) - _LISTED} more" if len(lines) > _LISTED else ""
    return "".join(f"\n  {line}" for line in lines[:_LISTED]) + more


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows. A column of numbers is right-aligned; texts fold where the terminal is narrow, numbers never."""
    drawn = Table(
        title=_cell(title), title_justify="left", title_style="bold", box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False
    )
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(_NUMBER.fullmatch(str(row[index])) for row in rows)
        drawn.add_column(_cell(column), justify="right" if numeric else "left", overflow="fold", no_wrap=numeric)
    for row in rows:
        drawn.add_row(*[_cell(value) for value in row])
    target = _err if _json_wanted else _out
    target.print(drawn)
    target.print()


def _cell(value: Any) -> str:
    from rich.markup import escape

    return escape("" if value is None else shown(str(value)).replace("\n", "\\n").replace("\t", "\\t"))


def result(document: Any, text: str = "") -> None:
    """A command's result: the document as JSON when it was asked for, else the text (when a table has not said it already)."""
    json_result(document)
    if text and not _json_wanted:
        _out.print(shown(text), markup=False, soft_wrap=True)


def json_result(document: Any) -> None:
    """The one JSON document on stdout, if it was asked for."""
    if _json_wanted:
        sys.stdout.write(shown(json.dumps(document, indent=2, ensure_ascii=False)) + "\n")


class Ticker:
    """What a progress bar hands out: call it after each piece of work."""

    def __init__(self, progress: Progress | None, description: str, total: int) -> None:
        self._progress, self._description, self._total = progress, description, total
        self._task = progress.add_task(_cell(description), total=total, facts="") if progress else None
        self._done, self._started, self._said = 0, time.monotonic(), time.monotonic()

    def __call__(self, steps: int = 1, facts: str = "") -> None:
        """Advance; `facts` (loss, accuracy) stand beside the bar."""
        self._done += steps
        if self._progress and self._task is not None:
            fields: dict[str, Any] = {"facts": _cell(facts)} if facts else {}
            self._progress.update(self._task, advance=steps, **fields)
            return
        now = time.monotonic()
        if now - self._said >= _PLAIN_LINE_EVERY_S or self._done >= self._total:
            self._said = now
            left_s = (now - self._started) / max(self._done, 1) * max(self._total - self._done, 0)
            note(f"{self._description}: {self._done}/{self._total}, {left_s:.0f} s left{', ' + facts if facts else ''}")


def show_cursor() -> None:
    """Bring the cursor back: a Ctrl-C in the very start of a bar, which hides it, leaves it hidden."""
    _err.show_cursor(True)


@contextmanager
def progress(description: str, total: int) -> Iterator[Ticker]:
    """A bar with an ETA on a terminal, plain lines elsewhere."""
    if not _err.is_terminal:
        yield Ticker(None, description, total)
        return
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.fields[facts]}")
    with Progress(*columns, console=_err) as bar:
        yield Ticker(bar, description, total)


@contextmanager
def hushed() -> Iterator[None]:
    """Hold back what native code (TensorFlow, converters) writes to the stderr file descriptor; replay it if the work fails."""
    if _verbose:
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            sys.stderr.flush()
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
