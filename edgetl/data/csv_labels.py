"""Which columns of a CSV file say what is on an image, and what their cells say: one class, or several."""

import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgetl.data.base import BETWEEN, AskedTask, joined
from edgetl.data.labels import normalize
from edgetl.errors import DataError, listed
from edgetl.output import Task
from edgetl.wording import counted

logger = logging.getLogger(__name__)

# Of the column, the one that edgetl writes of first: where it is there, the others are not looked at.
NAMES = ("label", "class", "class_name", "classname", "label_name", "category")
_MORE = {"labels": "label", "classes": "class", "class_names": "class_name", "categories": "category", "tag": "tag", "tags": "tag"}
_NUMBER = re.compile(r"[ _-]?\d+$")
_WHETHER = {"1": True, "0": False, "1.0": True, "0.0": False, "true": True, "false": False}
_MOST_ODD = 0.5  # of a one-hot column's cells: more say neither, and it is another column
_FEWEST = 2  # one-hot columns: as many as a classifier has classes
_MISTAKEN = ";,"  # what other programs put between the classes of an image

Cells = Sequence[tuple[int, Sequence[str]]]  # line and cells of each row


@dataclass(frozen=True)
class LabelColumns:
    """The places of the columns that are read, and of one-hot columns the class of each.

    Args:
        task: that the cells are read for.
    """

    task: Task
    places: tuple[int, ...]
    one_hot: tuple[str, ...] = ()

    def read(self, cells: Sequence[str], where: str) -> str:
        """Return what an item's `class_name` is, for the cells of a row; empty of one without a label.

        Args:
            where: the file and the line.
        """
        own = [cells[place].strip() if place < len(cells) else "" for place in self.places]
        if self.one_hot:
            return joined(name for name, cell in zip(self.one_hot, own, strict=True) if _WHETHER[cell.casefold()])
        if self.task == "single-label":
            return normalize(own[0], where) if own[0] else ""
        return joined(normalize(name, where) for cell in own for name in cell.split(BETWEEN) if name.strip())


def label_columns(header: Sequence[str], rows: Cells, others: set[int], task: AskedTask, source: str) -> LabelColumns:
    """Return the columns that hold the labels; there may be none.

    Args:
        header: the names of the columns as they are written.
        others: places of columns that hold something else.

    Raises DataError when a file that lists several classes an image is not read for them, or when its columns cannot be understood.
    """
    columns = [name.strip().casefold() for name in header]
    one = [place for place, name in enumerate(columns) if name == NAMES[0]] or [
        place for place, name in enumerate(columns) if name in NAMES
    ]
    several = _several(columns)
    one_hot = tuple(place for place, name in enumerate(columns) if name and place not in others and _says_whether(rows, place))
    if task != "single-label":
        _check_joined({row[place].strip() for _, row in rows for place in (*one, *several) if place < len(row)}, task, source)
    if task != "multi-label":
        hint = _hint(header, rows, one, several, one_hot)
        if hint and task == "auto":
            raise DataError(
                f"{source}: {hint}",
                "to learn all classes of an image: --task multi-label" + ("; to take it as it is: --task single-label" if one else ""),
            )
        if len(one) > 1:
            named = ", ".join(repr(columns[place]) for place in one)
            raise DataError(f"{source}: the columns {named} can all be the label", "rename the one that is meant to label")
        return LabelColumns("single-label", tuple(one))
    if several:
        return LabelColumns("multi-label", several)
    for place in range(len(columns)):
        if place not in others and place not in one_hot:
            _check_odd_cell(header[place].strip(), rows, place, source)
    if len(one_hot) < _FEWEST:
        return LabelColumns("multi-label", ())
    names = tuple(normalize(header[place], source) for place in one_hot)
    wrong = [name for name in names if BETWEEN in name] or [name for name in names if names.count(name) > 1]
    if wrong:
        raise DataError(f"{source}: {wrong[0]!r} cannot be a class of a column", f"rename it: each name once, and without {BETWEEN}")
    shown = {name for name, place in zip(names, one_hot, strict=True) for _, row in rows if _WHETHER[row[place].strip().casefold()]}
    if idle := [repr(name) for name in names if name not in shown]:
        logger.warning(f"{source}: no image shows these classes, whose columns hold 0 alone; the model does not learn them:{listed(idle)}")
    return LabelColumns("multi-label", one_hot, names)


def _several(columns: Sequence[str]) -> tuple[int, ...]:
    """Return the places of the columns of labels: label, labels, label1, label_2, or the same of the next usual name."""
    stems = [_NUMBER.sub("", name) for name in columns]
    stems = [_MORE.get(name, name) for name in stems]
    for wanted in dict.fromkeys((*NAMES, *_MORE.values())):
        if found := tuple(place for place, stem in enumerate(stems) if stem == wanted):
            return found
    return ()


def _says_whether(rows: Cells, place: int) -> bool:
    """Return whether each cell of a column says yes or no."""
    return bool(rows) and next(_odd_cells(rows, place), None) is None


def _odd_cells(rows: Cells, place: int) -> Iterator[tuple[int, str]]:
    """Yield line and cell of each row that says neither yes nor no in a column."""
    for line, row in rows:
        cell = row[place].strip() if place < len(row) else ""
        if cell.casefold() not in _WHETHER:
            yield line, cell


def _check_odd_cell(name: str, rows: Cells, place: int, source: str) -> None:
    """Raise DataError for a column that says whether, but for a few cells: its class would be lost."""
    odd = list(_odd_cells(rows, place))
    if name and 0 < len(odd) <= _MOST_ODD * len(rows):
        line, cell = odd[0]
        raise DataError(
            f"{source}, line {line}: {cell!r} in the column {name!r}, whose other cells say 0 or 1; there are {len(odd)} such lines",
            "write 1 where the image shows the class and 0 where it does not; remove the lines of which you do not know",
        )


def _check_joined(cells: set[str], task: AskedTask, source: str) -> None:
    """Raise DataError for labels that join several classes by another sign than ours: each would become a class of its own."""
    for sign in _MISTAKEN:
        names = {cell: {name.strip() for name in cell.split(sign)} - {""} for cell in cells}
        times = Counter(name for of_cell in names.values() for name in of_cell)
        several = sorted(cell for cell, of_cell in names.items() if len(of_cell) > 1 and all(times[name] > 1 for name in of_cell))
        if several:
            raise DataError(
                f"{source}: labels such as {several[0]!r} seem to name several classes, with {sign!r} between them",
                f"write {joined(names[several[0]])!r}, for --task multi-label"
                + ("; to take it as it is: --task single-label" if task == "auto" else "; if it is one class, rename it"),
            )


def _hint(header: Sequence[str], rows: Cells, one: Sequence[int], several: Sequence[int], one_hot: Sequence[int]) -> str:
    """Return what says that the file lists several classes an image, where it clearly does."""
    if len(several) > max(len(one), 1):
        return f"{counted(len(several), 'column')} hold labels: {', '.join(repr(header[place].strip()) for place in several)}"
    if not (one or several) and len(one_hot) >= _FEWEST:
        return f"{counted(len(one_hot), 'column')} of 0 and 1 seem to be a class each, such as {header[one_hot[0]].strip()!r}"
    place = (*one, *several, -1)[0]
    cells = {row[place].strip() for _, row in rows if 0 <= place < len(row)}
    parts = [name.strip() for cell in cells for name in cell.split(BETWEEN)]
    shared = [cell for cell in sorted(cells) if BETWEEN in cell and any(parts.count(name.strip()) > 1 for name in cell.split(BETWEEN))]
    return f"labels such as {shared[0]!r} seem to name several classes" if shared else ""
