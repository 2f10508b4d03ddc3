"""`edgetl report`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import Images, Json, RunPath


class Form(StrEnum):
    html = "html"
    md = "md"
    pdf = "pdf"


def report(
    run: RunPath = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the page to this file (default: RUN/report.html, .md or .pdf).")
    ] = None,
    form: Annotated[
        Form | None,
        typer.Option(
            "--format", metavar="html|md|pdf", help="Write this format; pdf needs Chromium (default: the ending of FILE, else html)."
        ),
    ] = None,
    data: Images = "",
    as_json: Json = False,
) -> None:
    """Write one page with everything that a run holds.

    The page shows figures, plots, the images whose prediction quantization changed, and how the model was made. It needs no network and no
    other file. Parts that the run does not hold yet are listed with the commands that make them.

    Example:
      edgetl report runs/flowers
    """
    from edgetl.api.runs import opened

    made = opened(run, for_="report", data=data).report(out, form=form.value if form else "")
    document = {
        "report": str(made.path),
        "size_bytes": made.size_bytes,
        "absent": [{"part": one.title, "reason": one.reason} for one in made.absent],
    }
    console.result(document, f"written: {made.path}, {made.size_bytes / 1024:,.0f} KiB")
