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
from contextlib import contextmanager, nullcontext, suppress
from functools import cache
from types import TracebackType
from typing import IO, TYPE_CHECKING, TextIO, cast

from edgetl import log, streams
from edgetl.wording import seen

if TYPE_CHECKING:
    from rich.console import Console as Screen

_NUMBER = re.compile(r"[-+]?[\d.,]+( s)?")
_UNFOLDED = 24  # characters of a text that stays on its line: a column of folded texts is at least as wide
_GAPS = (2, 1)  # characters between two columns, the second where the first has no place
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

    return Screen(file=cast(IO[str], streams.Stderr() if stderr else streams.Stdout()), highlight=False, emoji=False)


_current = Console()  # of no command: it shows no log


def current() -> Console:
    return _current


def shown(text: str) -> str:
    """Return the text as a terminal may have it: control characters escaped, but for line breaks and tabs."""
    return seen(text, spared="\n\t")


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
    """Print rows: side by side where the terminal is wide enough, else one below another. Long texts fold between words; nothing is cut."""
    from rich.text import Text

    screen, stream = _screen(stderr=_current.json), _table_stream()
    cells = [[streams.held(_cell(value), stream) for value in row] for row in (columns, *rows)]
    screen.print(Text(streams.held(_cell(title), stream)), style="bold", soft_wrap=True)
    gap, widths = next(((gap, found) for gap in _GAPS if (found := _widths(cells, screen.width, gap))), (0, []))
    if widths:
        _draw(screen, cells, widths, gap)
    else:
        screen.print(Text("\n".join(_records(cells))), soft_wrap=True)
    screen.print()


def _table_stream() -> TextIO | None:
    return sys.stderr if _current.json else sys.stdout


def _draw(screen: "Screen", cells: Sequence[Sequence[str]], widths: Sequence[int], gap: int) -> None:
    """Draw a table with a column of each width; a column of numbers is right-aligned."""
    from rich.box import SIMPLE_HEAD, Box
    from rich.table import Table
    from rich.text import Text

    box = SIMPLE_HEAD if streams.held("─", _table_stream()) == "─" else Box(str(SIMPLE_HEAD).replace("─", "-"), ascii=True)
    drawn = Table(box=box, show_edge=False, padding=(0, gap - 1, 0, 0), pad_edge=False)
    for (name, *column), width in zip(zip(*cells, strict=True), widths, strict=True):
        numeric = bool(column) and all(map(_NUMBER.fullmatch, column))
        drawn.add_column(Text(name), justify="right" if numeric else "left", overflow="fold", width=width)
    for row in cells[1:]:
        drawn.add_row(*map(Text, row))
    screen.print(drawn, crop=False)


def _widths(cells: Sequence[Sequence[str]], space: int, gap: int) -> list[int]:
    """Return how wide each column is drawn within `space` characters; nothing: they have no place side by side."""
    from rich.cells import cell_len

    columns = list(zip(*cells, strict=True))
    natural = [max(map(cell_len, column)) for column in columns]
    least = [max(min(cell_len(cell), max([_UNFOLDED, *map(cell_len, cell.split())])) for cell in column) for column in columns]
    free, wanted = space - sum(least) - gap * (len(columns) - 1), sum(natural) - sum(least)
    if free < 0:
        return []
    shared = min(free, wanted)
    return [low + (high - low) * shared // max(wanted, 1) for low, high in zip(least, natural, strict=True)]


def _records(cells: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table whose columns have no place side by side: a block for each row, a line for each cell."""
    names, *rows = cells
    longest = max(map(len, names))
    for first, *others in rows:
        if first:
            yield f"{names[0]}: {first}"
        yield from (f"  {name:<{longest}}  {cell}" for name, cell in zip(names[1:], others, strict=True) if cell)


def _cell(value: object) -> str:
    return "" if value is None else seen(str(value))


def result(document: object, text: str = "") -> None:
    """Print a command's result: the document as JSON when it was asked for, else the text (when a table has not said it already)."""
    json_result(document)
    if text and not _current.json:
        _printed.info(text)
        streams.Stdout().write(f"{shown(text)}\n")


def json_result(document: object) -> None:
    """Print the one JSON document on stdout, if it was asked for; escaped as JSON escapes where stdout is not of Unicode."""
    if _current.json:
        text = json.dumps(document, indent=2, ensure_ascii=False)
        if streams.held(shown(text), sys.stdout) != shown(text):
            text = json.dumps(document, indent=2)
        streams.Stdout().write(shown(text) + "\n")


def on_terminal() -> bool:
    return _screen(stderr=True).is_terminal


@contextmanager
def bar(description: str, total: int) -> Iterator[Callable[[int, str], None]]:
    """Draw a bar with the time left on stderr; gives the function that moves it: steps done, and what stands beside it."""
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.fields[facts]}")
    with Progress(*columns, console=_screen(stderr=True)) as drawn:
        task = drawn.add_task(escape(_cell(description)), total=total, facts="")
        yield lambda done, facts: drawn.update(task, completed=done, facts=escape(_cell(facts)))


def end_line() -> None:
    """Begin a line on a terminal, behind its "^C", and bring the cursor back: a Ctrl-C in the very start of a bar leaves it hidden."""
    if on_terminal():
        _screen(stderr=True).show_cursor(True)
        _screen(stderr=True).line()


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
    streams.Stderr().flush()
    try:
        kept = os.dup(2)
    except OSError:  # a program without stderr: nothing is seen of it
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            streams.Stderr().flush()
            held.seek(0)
            with suppress(OSError):  # a full disk, or a pipe that nobody reads
                os.write(kept, held.read())
            raise
        finally:
            streams.Stderr().flush()
            os.dup2(kept, 2)
            os.close(kept)
