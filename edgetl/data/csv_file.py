"""A CSV file that lists images: path,label[,split], under these names or others that are usual; `csv_labels` says which hold labels."""

import csv
import logging
import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgetl import errors, wording
from edgetl.data import csv_labels
from edgetl.data.base import BETWEEN, BY_NAMES, AskedTask, Item, Listing, Reading, Rejected, classes_in, joined, listed
from edgetl.data.csv_labels import LabelColumns, label_columns
from edgetl.data.labels import as_text, check
from edgetl.data.split_words import CHOICES, splits_of
from edgetl.data.tree import is_within
from edgetl.data.written_paths import Lookup
from edgetl.errors import DataError
from edgetl.output import Task
from edgetl.wording import counted

logger = logging.getLogger(__name__)

# Names of columns, the one that edgetl writes of first: where it is there, the others are not looked at.
_COLUMNS = {
    "path": ("path", "file_path", "filepath", "image_path", "filename", "file_name", "image_name", "image"),
    "label": csv_labels.NAMES,
    "split": ("split", "subset", "partition"),
}
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_REMEDY = "begin the file with the line: path,label or path,label,split (separated by commas, semicolons or tabs)"
_SEVERAL_REMEDY = (
    "name all classes of an image in a column label, as a|b, in columns label1, label2, or in a column of 0 and 1 for each class"
)


@dataclass(frozen=True)
class _Row:
    """One line of the file; `class_name` is an item's and may be empty, `split` is None where the line gives none."""

    line: int
    path: str
    class_name: str
    split: str | None


def find(source: str, reading: Reading = BY_NAMES) -> Listing:
    """List the images in the order of the file. Paths are absolute, or relative to the CSV's folder; other columns are ignored."""
    rows, task = _rows(Path(source), reading.task)
    folder = os.path.abspath(Path(source).parent)
    source = as_text(source)
    _check_splits(rows, source)
    found: list[Item | Rejected] = []
    seen: dict[str, _Row] = {}
    lookup = Lookup(folder)
    several = task == "multi-label"
    for row in _merged(rows, lookup, source) if several else rows:
        if not row.path or not (row.class_name or several):
            found.append(Rejected(as_text(row.path) or f"line {row.line}", f"line {row.line} has no {'label' if row.path else 'path'}"))
            continue
        path = lookup.path_of(row.path)
        first = seen.setdefault(path, row)
        if (first.class_name, first.split) != (row.class_name, row.split):
            raise DataError(
                f"{source}: {row.path!r} is {_meaning(first)} in line {first.line} and {_meaning(row)} in line {row.line}",
                "keep one of the two lines; if an image may show several classes: --task multi-label"
                if not several
                else "keep one of the two lines",
            )
        if first is row:
            found.append(listed(Path(path), _name(path, folder), row.class_name, row.split))
    items = tuple(one for one in found if isinstance(one, Item))
    class_splits = [(name, row.split) for row in rows if row.class_name for name in classes_in(row.class_name, task)]
    sizes = Counter(name for item in items for name in classes_in(item.class_name, task))
    return Listing(
        source=source,
        class_names=check(class_splits, sizes, source, reading.spellings),
        items=items,
        rejected=tuple(one for one in found if isinstance(one, Rejected)),
        task=task,
    )


def _merged(rows: Sequence[_Row], lookup: Lookup, source: str) -> list[_Row]:
    """Return one row for each image and split, with the classes of all lines that list it."""
    merged: dict[tuple[str, str | None], _Row] = {}
    unlike = dict[tuple[str, str | None], list[_Row]]()
    for row in rows:
        key = lookup.path_of(row.path) if row.path else f"line {row.line}", row.split
        first = merged.setdefault(key, row)
        if first.class_name != row.class_name:
            unlike.setdefault(key, [first]).append(row)
        merged[key] = replace(first, class_name=joined(name for one in (first, row) for name in classes_in(one.class_name, "multi-label")))
    several = [f"{of[0].path!r}: lines {wording.joined([str(row.line) for row in of])}" for of in unlike.values()]
    if several and any(BETWEEN in row.class_name for row in rows):  # else each line has one label, which is a usual form
        listing = f"{source} lists {counted(len(several), 'image')} in several lines with different labels"
        logger.warning(f"{listing}, which are taken together:{errors.listed(several)}")
    return list(merged.values())


def _rows(source: Path, task: AskedTask) -> tuple[list[_Row], Task]:
    """Return the lines of the file, and what each line's labels are read for."""
    name, line = as_text(source), 1
    try:
        # utf-8-sig: spreadsheets begin their UTF-8 with a byte order mark, which would become part of the first column's name.
        with source.open(encoding="utf-8-sig", newline="") as file:
            separator = _separator(file.readline())
            file.seek(0)
            # strict: a quotation mark that is left open would hold all lines behind it
            reader = csv.reader(file, delimiter=separator, skipinitialspace=True, strict=True)
            header = next(reader, [])
            rows = []
            for row in reader:
                rows += [(line + 1, row)] if row else []
                line = reader.line_num
    except csv.Error as error:
        problem = f"cannot read {name}, in the lines from {line + 1} on: {error}"
        raise DataError(problem, "correct the quotation marks there, or shorten the text") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {name}: {error}", "it must be a CSV file, in UTF-8") from error
    columns = [title.strip().casefold() for title in header]
    places = _places(columns, name)
    found = label_columns(header, rows, set(places.values()), task, name)
    _check_missing(columns, places, found, name)
    _check_cells(rows, len(columns), separator, name)
    used = {*places.values(), *found.places}
    if "split" not in places:
        _check_unused(rows, columns, used, name)
    ignored = ", ".join(repr(title) for place, title in enumerate(columns) if title and place not in used)
    taken = {role: repr(columns[place]) for role, place in places.items()}
    taken["label"] = wording.joined([repr(columns[place]) for place in found.places])
    roles = ", ".join(f"{role} from {taken[role]}" for role in _COLUMNS if role in taken)
    logger.info(f"{name}, separated by {_SEPARATORS[separator]}: {roles}{'; not used: ' * bool(ignored)}{ignored}")
    path, _, split = (places.get(role) for role in _COLUMNS)
    read = [(line, _cell(row, path), found.read(row, f"{name}, line {line}"), _cell(row, split)) for line, row in rows]
    return list(_meant(read, name)), found.task


def _check_cells(rows: Sequence[tuple[int, list[str]]], columns: int, separator: str, source: str) -> None:
    """Raise DataError for a line with more cells than columns: one of them was cut. Warn of a cell that seems to hold lines of the file."""
    for line, row in rows:
        if any(cell.strip() for cell in row[columns:]):
            raise DataError(
                f"{source}, line {line}, has {len(row)} cells for {counted(columns, 'column')}",
                f"put a text that holds {_SEPARATORS[separator]} into quotation marks",
            )
    held = [line for line, row in rows for cell in row if any(text.count(separator) >= columns - 1 for text in cell.split("\n")[1:])]
    if held:
        logger.warning(f"{source}, line {held[0]}: a text in quotation marks holds what seem to be other lines, which list no images then")


def _check_unused(rows: Sequence[tuple[int, list[str]]], columns: Sequence[str], used: Collection[int], source: str) -> None:
    """Raise DataError for a column of split words under a name that means none."""
    for place, name in enumerate(columns):
        words = {_cell(row, place) for _, row in rows} - {""}
        meant = splits_of(words) if place not in used else {}
        if len(meant) == len(words) and "train" in meant.values() and len(set(meant.values())) > 1:
            raise DataError(
                f"{source}: the column {name!r} has the splits {', '.join(map(repr, sorted(words)))}, under a name that does not say so",
                "rename it to split; or, if the splits are to be chosen again, remove it",
            )


def _separator(header: str) -> str:
    """Return what separates the columns of a first line: what gives both columns that are needed, else most columns."""

    def columns(separator: str) -> int:
        names = [name.strip().casefold() for name in next(csv.reader([header], delimiter=separator), ())]
        return len(names) + 1000 * all(any(name in names for name in _COLUMNS[role]) for role in ("path", "label"))

    return max(_SEPARATORS, key=columns)


def _places(columns: Sequence[str], source: str) -> dict[str, int]:
    """Return the place of each column that is read, but for those of labels. Raises DataError when one can be one of several."""
    places = {}
    for role, names in _COLUMNS.items():
        found = [place for place, name in enumerate(columns) if name == names[0]] or [
            place for place, name in enumerate(columns) if name in names
        ]
        if role != "label" and len(found) > 1:
            several = ", ".join(repr(columns[place]) for place in found)
            raise DataError(f"{source}: the columns {several} can all be the {role}", f"rename the one that is meant to {role}")
        if role != "label" and found:
            places[role] = found[0]
    return places


def _check_missing(columns: Sequence[str], places: Mapping[str, int], found: LabelColumns, source: str) -> None:
    """Raise DataError where no column holds the paths, or none the labels."""
    missing = ["path"] * ("path" not in places) + ["label"] * (not found.places)
    if missing:
        there = ", ".join(columns) or "nothing"
        remedy = _REMEDY if found.task == "single-label" else _SEVERAL_REMEDY
        raise DataError(f"{source} has no column {' and no column '.join(missing)}; its first line has {there}", remedy)


def _cell(values: Sequence[str], place: int | None) -> str:
    """Return a cell without outer blanks; empty where a line has no such column."""
    return values[place].strip() if place is not None and place < len(values) else ""


def _meant(lines: Sequence[tuple[int, str, str, str]], source: str) -> Iterator[_Row]:
    splits = splits_of({word for *_, word in lines if word})
    for line, path, label, word in lines:
        if word and word not in splits:
            raise DataError(f"{source}, line {line}: unknown split {word!r}", CHOICES)
        yield _Row(line, path, label, splits.get(word))


def _check_splits(rows: list[_Row], source: str) -> None:
    without = [row.line for row in rows if row.split is None]
    if without and len(without) < len(rows):
        raise DataError(
            f"{source}: {len(without)} of {counted(len(rows), 'line')} have no split; the first is line {without[0]}",
            "give every line a split, or none",
        )


def _meaning(row: _Row) -> str:
    return repr(row.class_name) + (f" in {row.split}" if row.split else "")


def _name(path: str, folder: str) -> str:
    return as_text(Path(os.path.relpath(path, folder) if is_within(path, folder) else path).as_posix())
