"""Write a report as HTML, Markdown or PDF."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from edgetl.devices.browser import find_chromium
from edgetl.devices.process import Surroundings, call
from edgetl.errors import DependencyError
from edgetl.files import atomic
from edgetl.report.page import html, markdown
from edgetl.report.page.blocks import Absent, Section, Text
from edgetl.report.page.facts import Facts
from edgetl.report.page.sections import SECTIONS
from edgetl.report.plots import draw

_PRINT_S = 120.0  # of a browser's start and a page of some megabytes, on a slow host


def write(facts: Facts, path: Path, form: str) -> Sequence[Absent]:
    """Write the report; return the sections that it lacks.

    Args:
        form: a key of FORMS.
    """
    with draw.style():
        parts = [(name, _with_places(SECTIONS.load(name)(facts), facts.places)) for name in SECTIONS]
        sections = [(name, part) for name, part in parts if isinstance(part, Section)]
        absent = [part for _, part in parts if isinstance(part, Absent)]
        FORMS[form](facts, sections, absent, path)
    return absent


def _with_places(part: Section | Absent, places: Mapping[str, str]) -> Section | Absent:
    """Return the part with commands that can be copied: with the run's own paths in place of RUN and DATA."""

    def placed(command: str) -> str:
        return re.sub(r"\b(RUN|DATA)\b", lambda found: places.get(found[0], found[0]), command)

    if isinstance(part, Absent):
        return replace(part, command=placed(part.command))
    blocks = (replace(block, command=placed(block.command)) if isinstance(block, Text) else block for block in part.blocks)
    return replace(part, blocks=tuple(blocks))


def _html(facts: Facts, sections: Sequence[tuple[str, Section]], absent: Sequence[Absent], path: Path) -> None:
    page = html.page(facts.name, facts.made, sections, absent)
    with atomic(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _markdown(facts: Facts, sections: Sequence[tuple[str, Section]], absent: Sequence[Absent], path: Path) -> None:
    folder = path.with_name(f"{path.stem}-files")

    def save(name: str, content: bytes) -> str:
        with atomic(folder / name) as temporary:
            temporary.write_bytes(content)
        return quote(f"{folder.name}/{name}")

    text = markdown.text(facts.name, facts.made, sections, absent, save)
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _pdf(facts: Facts, sections: Sequence[tuple[str, Section]], absent: Sequence[Absent], path: Path) -> None:
    """Print the page with a browser, which has fonts for every script and breaks pages."""
    chromium = find_chromium()
    if chromium is None:
        raise DependencyError("a PDF needs Chromium, which is not installed", "install it, or print the HTML report from a browser")
    with TemporaryDirectory(prefix="edgetl-", ignore_cleanup_errors=True) as folder, atomic(path) as temporary:
        page = Path(folder) / "report.html"
        page.write_text(html.page(facts.name, facts.made, sections, absent, unfolded=True), encoding="utf-8")
        command = [chromium, "--headless", "--disable-gpu", "--no-first-run", f"--user-data-dir={folder}/profile", "--no-pdf-header-footer"]
        command += (
            ["--no-sandbox"] if os.geteuid() == 0 else []
        )  # Chromium refuses to start as root with it; the page is ours, and has no script when it is printed
        surroundings = Surroundings(env={"TMPDIR": folder})  # ended before its time, it leaves a folder beside its profile
        call("PDF", [*command, f"--print-to-pdf={temporary.absolute()}", page.as_uri()], _PRINT_S, surroundings)


FORMS: dict[str, Callable[[Facts, Sequence[tuple[str, Section]], Sequence[Absent], Path], None]] = {
    "html": _html,
    "md": _markdown,
    "pdf": _pdf,
}
