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
    from edgetl.report.terminal import findings as report

    examined = files.doctor(data, out=out, fast=fast, settings=settings)
    report.show(examined.diagnosis)
    paths = {"html": str(examined.page), "json": str(examined.document), "exclude": str(examined.exclude)}
    command, count = shlex.join(["edgetl", "train", data, "--exclude", str(examined.exclude)]), len(examined.diagnosis.exclude)
    console.note(f"{examined.page} shows the findings; to leave out {count} images: {command}")
    if strict and count:
        raise DataError(f"{count} images of {data} should be left out", f"they are in {examined.exclude}")
    console.result(examined.diagnosis.to_json() | {"files": paths})
