"""A report as one self-contained web page: no network, every image embedded, and a script that nothing in it needs."""

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from edgetl.report.page.blocks import Absent, Block, Section
from edgetl.report.plots import draw

_MARKS = {"passed": "good", "ok": "good", "FAILED": "bad"}  # texts of table cells that are shown as a verdict


def page(title: str, made: str, sections: Sequence[tuple[str, Section]], absent: Sequence[Absent], *, unfolded: bool = False) -> str:
    """Return the page.

    Args:
        sections: pairs of a name for links and the section.
        unfolded: whether it is for print: folded tables are open, and there is no script.
    """
    # Names of classes and files may come from anywhere: everything is escaped except our own plots, whose texts matplotlib escapes.
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {
        "svg": lambda figure: Markup(draw.svg(figure)),
        "data": lambda photo: _data(photo.content, photo.kind),
        "parts": lambda photo: [_data(part, photo.kind) for part in photo.parts],
        "mark": lambda text: _MARKS.get(text, ""),
        "json": json.dumps,
        "numbers": _numbers,
        "zip": zip,
    }
    environment.globals["kind"] = _kind
    template = environment.from_string(_file("page.html"))
    script = "" if unfolded else _file("page.js")
    hashed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()  # a page allows this script and no other
    return template.render(
        title=title, made=made, sections=sections, absent=absent, unfolded=unfolded, script=Markup(script), script_hash=hashed
    )


def _file(name: str) -> str:
    return files("edgetl").joinpath("report", "page", name).read_text(encoding="utf-8")


def _kind(block: Block) -> str:
    return type(block).__name__.lower()


def _data(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _numbers(rows: Sequence[Sequence[str]]) -> list[bool]:
    """Return for each column whether it is one of numbers: whatever has a letter or a digit in it is a number, and something is."""
    said = ([cell for cell in column if any(map(str.isalnum, cell))] for column in zip(*rows, strict=True))
    return [bool(column) and all(map(_is_number, column)) for column in said]


def _is_number(text: str) -> bool:
    return bool(text) and (text[0].isdigit() or text[0] in "+-") and any(map(str.isdigit, text)) and not any(map(str.isalpha, text))
