"""A small table of a result, as `repr` shows it in a terminal and `_repr_html_` in a notebook."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

from edgetl.wording import seen

_ROWS = 30  # shown; the result itself has all
_TABLE = "border-collapse:collapse;font-variant-numeric:tabular-nums"
_CELL = "padding:2px 12px 2px 0;border-bottom:1px solid #8884;text-align:"


@dataclass(frozen=True)
class Overview:
    """A title, a table of texts, and sentences below it. The texts may come from anywhere: they are escaped when shown."""

    title: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"a row of '{self.title}' does not have {len(self.columns)} cells")

    def with_note(self, note: str) -> "Overview":
        """Return the table with one more sentence below it."""
        return replace(self, notes=(*self.notes, note))

    def text(self) -> str:
        """Return the table as plain text, columns aligned."""
        rows = [[seen(cell) for cell in row] for row in (self.columns, *self.rows[:_ROWS])] if self.rows else []
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(_padded, row, widths, self._sides())) for row in rows]
        more = [f"... and {len(self.rows) - _ROWS} more"] if len(self.rows) > _ROWS else []
        return "\n".join([seen(self.title), *(f"  {line}".rstrip() for line in (*lines, *more, *map(seen, self.notes)))])

    def html(self) -> str:
        """Return the table as HTML without scripts or anything to load."""
        sides, parts = self._sides(), [f"<p><b>{_escaped(self.title)}</b></p>"]
        if self.rows:
            head = "".join(map(_cell, ["th"] * len(sides), self.columns, sides))
            rows = ["".join(map(_cell, ["td"] * len(sides), row, sides)) for row in self.rows[:_ROWS]]
            body = "".join(f"<tr>{row}</tr>" for row in rows)
            parts.append(f'<table style="{_TABLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>')
        if len(self.rows) > _ROWS:
            parts.append(f"<p>... and {len(self.rows) - _ROWS} more</p>")
        return "".join([*parts, *(f"<p>{_escaped(note)}</p>" for note in self.notes)])

    def _sides(self) -> list[str]:
        """Return how each column is aligned: numbers to the right."""
        return ["right" if _numeric(column) else "left" for column in zip(*self.rows, strict=True)]


class Tabular:
    """A result that `repr` shows as a table of plain text, and a notebook as one of HTML."""

    def overview(self) -> Overview:
        raise NotImplementedError

    def __repr__(self) -> str:
        return self.overview().text()

    def _repr_html_(self) -> str:
        return self.overview().html()


def _escaped(text: str) -> str:
    return escape(seen(text))


def _padded(text: str, width: int, side: str) -> str:
    return text.rjust(width) if side == "right" else text.ljust(width)


def _cell(tag: str, text: str, side: str) -> str:
    return f'<{tag} style="{_CELL}{side}">{_escaped(text)}</{tag}>'


def _numeric(cells: Sequence[str]) -> bool:
    """Return whether a column has numbers only."""
    return all(re.fullmatch(r"[-+<]?[\d.,]*%?", cell) for cell in cells) and any(cells)
