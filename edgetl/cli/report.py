"""`edgetl report`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import Json, RunPath


class Form(StrEnum):
    html = "html"
    md = "md"
    pdf = "pdf"


def report(
    run: RunPath = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Left out: RUN/report.html, .md or .pdf.")] = None,
    form: Annotated[
        Form | None, typer.Option("--format", help="Left out: as FILE ends, else html; pdf needs Chromium.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Make one page to look at of all that a run holds: figures, plots, the images that quantization changed, how it was made.

    The page needs no network and no other file. What the run does not hold yet is named with the command that brings it.

    Example: edgetl report runs/flowers
    """
    from edgetl.pipeline import report as stage
    from edgetl.run_folder import RunFolder

    opened = RunFolder.open(run)
    ending = out.suffix.removeprefix(".").lower() if out else ""
    chosen = form.value if form else ending if ending in list(Form) else "html"
    path, absent = stage.report(opened, out, chosen)
    document = {
        "report": str(path),
        "size_bytes": path.stat().st_size,
        "absent": [{"part": one.title, "reason": one.reason} for one in absent],
    }
    console.result(document, f"written: {path}, {path.stat().st_size / 1024:,.0f} KiB")
