"""Tables and texts as Markdown."""

import re
from collections.abc import Sequence


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table in Markdown."""
    return ["| " + " | ".join(row) + " |" for row in (columns, ["---"] * len(columns), *rows)]


def plain(text: str) -> str:
    """Escape everything that Markdown or HTML would interpret: names of classes may come from anywhere."""
    return re.sub(r"([\\`*_\[\]<>|#!$~&])", r"\\\1", " ".join(text.split()))
