"""The only module that prints. Results go to stdout; progress, notes and warnings to stderr.

A command opens a `Console`, which shows what the library logs. With `--json` stdout carries one JSON document and nothing else; tables then
go to stderr. Without a `Console`, in a program that uses edgetl as a library, nothing is printed but bars, on a terminal.
"""

import json
import logging
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING

from edgetl import log

if TYPE_CHECKING:
    from rich.console import Console as Screen

_NUMBER = re.compile(r"[-+]?[\d.,]+( s)?")
# What moves the cursor, colours the terminal, reverses the line, or cannot be encoded: names of files and classes come from others.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_STYLES = {
    logging.DEBUG: ("", "dim"),
    logging.INFO: ("", None),
    logging.WARNING: ("warning: ", "yellow"),
    logging.ERROR: ("error: ", "bold red"),
}

_logger = logging.getLogger(__name__)
_printed = logging.getLogger(f"{__name__}.stdout")  # for log files: what stands on stdout already


class Console(logging.Handler):
    """Shows what the library logs on stderr, inside of a `with`.

    Attributes:
        json: stdout is for one JSON document.
        verbose: debug messages are shown, and what native code writes is not held back.
    """

    def __init__(self) -> None:
        super().__init__()
        self.json = self.verbose = False
        self._before: Console | None = None

    def __enter__(self) -> "Console":
        global _current
        self._before, _current = _current, self
        log.attach(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        global _current
        log.detach(self)
        if self._before:
            _current = self._before

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == _printed.name or (record.levelno < logging.INFO and not self.verbose):
            return
        prefix, style = _STYLES[record.levelno]
        _screen(stderr=True).print(shown(prefix + record.getMessage()), markup=False, style=style, soft_wrap=True)


@cache
def _screen(*, stderr: bool) -> "Screen":
    from rich.console import Console as Screen  # not for --help and --version, which it would slow down by a quarter

    return Screen(stderr=stderr, highlight=False, emoji=False)


_current = Console()  # of no command: it shows no log


def current() -> Console:
    return _current


def shown(text: str) -> str:
    """Return the text as a terminal may have it: control characters escaped, but for line breaks and tabs."""
    return _UNSEEN.sub(lambda found: _escaped(found[0]), text)


def _escaped(character: str) -> str:
    return f"\\u{ord(character):04x}"  # which JSON knows too


def note(message: str) -> None:
    """Say what explains a result, as a table's columns."""
    _logger.info(message)


def warn(message: str) -> None:
    _logger.warning(message)


def fail(problem: str, remedy: str) -> None:
    _logger.error(problem)
    if remedy:
        _logger.info(remedy)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows. A column of numbers is right-aligned; texts fold where the terminal is narrow, numbers never."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    drawn = Table(
        title=_cell(title), title_justify="left", title_style="bold", box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False
    )
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(_NUMBER.fullmatch(str(row[index])) for row in rows)
        drawn.add_column(_cell(column), justify="right" if numeric else "left", overflow="fold", no_wrap=numeric)
    for row in rows:
        drawn.add_row(*[_cell(value) for value in row])
    target = _screen(stderr=_current.json)
    target.print(drawn)
    target.print()


def _cell(value: object) -> str:
    from rich.markup import escape

    return escape("" if value is None else shown(str(value)).replace("\n", "\\n").replace("\t", "\\t"))


def result(document: object, text: str = "") -> None:
    """Print a command's result: the document as JSON when it was asked for, else the text (when a table has not said it already)."""
    json_result(document)
    if text and not _current.json:
        _printed.info(text)
        sys.stdout.write(f"{shown(text)}\n")


def json_result(document: object) -> None:
    """Print the one JSON document on stdout, if it was asked for."""
    if _current.json:
        sys.stdout.write(shown(json.dumps(document, indent=2, ensure_ascii=False)) + "\n")


def on_terminal() -> bool:
    return _screen(stderr=True).is_terminal


@contextmanager
def bar(description: str, total: int) -> Iterator[Callable[[int, str], None]]:
    """Draw a bar with the time left on stderr; gives the function that moves it: steps done, and what stands beside it."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.fields[facts]}")
    with Progress(*columns, console=_screen(stderr=True)) as drawn:
        task = drawn.add_task(_cell(description), total=total, facts="")
        yield lambda done, facts: drawn.update(task, completed=done, facts=_cell(facts))


def show_cursor() -> None:
    """Bring the cursor back: a Ctrl-C in the very start of a bar, which hides it, leaves it hidden."""
    _screen(stderr=True).show_cursor(True)


@contextmanager
def hushed() -> Iterator[None]:
    """Hold back what native code (TensorFlow, converters) writes to the stderr file descriptor; replay it if the work fails.

    The root logger's handlers stay as they are: absl adds one when it finds none.
    """
    handlers = list(logging.root.handlers)
    try:
        with nullcontext() if _current.verbose else _held_back():
            yield
    finally:
        logging.root.handlers[:] = handlers


@contextmanager
def _held_back() -> Iterator[None]:
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
