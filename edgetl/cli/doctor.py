"""`edgetl doctor`."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import Json, Set


def doctor(
    data: Annotated[str, typer.Argument(help="Images, as for 'edgetl train'.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where findings go; a run: into its report. Left out: doctor/NAME.", show_default=False),
    ] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Without a network: no wrong labels, and fewer of the near copies.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 3 when an image is better left out.")] = False,
    settings: Set = None,
    as_json: Json = False,
) -> None:
    """Examine images: files that are none, copies and leaks across splits, likely wrong labels, small classes, odd forms.

    Writes DIR/doctor.html to look at, doctor.json, and exclude.txt for 'edgetl train DATA --exclude'. Never changes the data.
    Exit codes: 0 examined, whatever was found; with --strict 3 if exclude.txt names an image; 2 or 3 if there is nothing to examine.

    Example: edgetl doctor flowers/ --out doctor/flowers
    """
    from edgetl.api import files
    from edgetl.errors import DataError
    from edgetl.report.page import doctor as report

    written, document = files.doctor(data, out=out, fast=fast, settings=settings)
    report.tell(document)
    paths = {"html": str(written.page), "json": str(written.findings), "exclude": str(written.exclude)}
    command = shlex.join(["edgetl", "train", data, "--exclude", str(written.exclude)])
    console.note(f"{written.page} shows them; to leave {len(document['exclude'])} out: {command}")
    if strict and document["exclude"]:
        raise DataError(f"{len(document['exclude'])} images of {data} are better left out", f"they are in {written.exclude}")
    console.result(document | {"files": paths})
