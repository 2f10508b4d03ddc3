"""A CSV file that lists images: path,label[,split]."""

import csv
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgetl.data.base import Item, Listing, Rejected, listed
from edgetl.data.labels import as_text, check, normalize, split_of
from edgetl.errors import DataError


@dataclass(frozen=True)
class _Row:
    """One line of the file; `label` is normalized and may be empty, `split` is None where the line gives none."""

    line: int
    path: str
    class_name: str
    split: str | None


def find(source: str) -> Listing:
    """List the images in the order of the file. Paths are absolute, or relative to the CSV's folder; other columns are ignored."""
    rows = _rows(Path(source))
    folder = os.path.abspath(Path(source).parent)
    source = as_text(source)
    _check_splits(rows, source)
    classes = check(((row.class_name, row.split) for row in rows if row.class_name), source)
    found: list[Item | Rejected] = []
    seen: dict[str, _Row] = {}
    for row in rows:
        if not row.path or not row.class_name:
            found.append(Rejected(as_text(row.path) or f"line {row.line}", f"line {row.line} has no {'label' if row.path else 'path'}"))
            continue
        path = os.path.normpath(os.path.join(folder, row.path))
        first = seen.setdefault(path, row)
        if (first.class_name, first.split) != (row.class_name, row.split):
            raise DataError(
                f"{source}: {row.path!r} is {_meaning(first)} in line {first.line} and {_meaning(row)} in line {row.line}",
                "keep one of the two lines",
            )
        if first is row:
            found.append(listed(Path(path), _name(path, folder), row.class_name, row.split))
    return Listing(
        source=source,
        class_names=classes,
        items=tuple(one for one in found if isinstance(one, Item)),
        rejected=tuple(one for one in found if isinstance(one, Rejected)),
    )


def _rows(source: Path) -> list[_Row]:
    try:
        # utf-8-sig: spreadsheets begin their UTF-8 with a byte order mark, which would become part of the first column's name.
        with source.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = [(name or "").strip().casefold() for name in reader.fieldnames or ()]
            missing = [name for name in ("path", "label") if name not in columns]
            if missing:
                there = ", ".join(columns) or "nothing"
                raise DataError(
                    f"{as_text(source)} has no column {' and no column '.join(missing)}; its first line has {there}",
                    "begin the file with the line: path,label or path,label,split (separated by commas)",
                )
            reader.fieldnames = columns
            return [_row(values, reader.line_num, source) for values in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read {as_text(source)}: {error}", "it must be a CSV file, in UTF-8") from error


def _row(values: Mapping[str, str | None], line: int, source: Path) -> _Row:
    path, label, word = ((values.get(column) or "").strip() for column in ("path", "label", "split"))
    split = split_of(word)
    if word and split is None:
        raise DataError(f"{as_text(source)}, line {line}: unknown split {word!r}", "choices: train, val (or valid, validation, dev), test")
    return _Row(line, path, normalize(label, f"{as_text(source)}, line {line}") if label else "", split)


def _check_splits(rows: list[_Row], source: str) -> None:
    without = [row.line for row in rows if row.split is None]
    if without and len(without) < len(rows):
        raise DataError(
            f"{source}: {len(without)} of {len(rows)} lines have no split; the first is line {without[0]}",
            "give every line a split, or none",
        )


def _meaning(row: _Row) -> str:
    return repr(row.class_name) + (f" in {row.split}" if row.split else "")


def _name(path: str, folder: str) -> str:
    inside = os.path.commonpath([path, folder]) == folder
    return as_text(Path(os.path.relpath(path, folder) if inside else path).as_posix())
