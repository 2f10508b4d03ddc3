"""`edgetl doctor`."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import Data, Json, Set, Task
from edgetl.wording import counted


def doctor(
    data: Data,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Write the findings into this folder; if it is a run, its report shows them (default: doctor/NAME)."
        ),
    ] = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="Work without a neural network; this finds no wrong labels and fewer near duplicates.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="End with exit code 3 if exclude.txt names an image.")] = False,
    task: Task = None,
    settings: Set = None,
    as_json: Json = False,
) -> None:
    """Check images for damage, copies, leaks and wrong labels.

    Looks for unreadable and damaged files, copies within and across splits, likely wrong labels, small classes and odd shapes. Writes
    DIR/doctor.html to look at, doctor.json, and exclude.txt for 'edgetl train DATA --exclude'. Never changes the data.

    Exit codes: 0 examined, whatever was found; 3 with --strict if exclude.txt names an image; 2 or 3 if there is nothing to examine.

    Example:
      edgetl doctor flowers/ --out doctor/flowers
    """
    from edgetl.api import files
    from edgetl.errors import DataError
    from edgetl.report.terminal import findings as report

    examined = files.doctor(data, out=out, fast=fast, task=task, settings=settings)
    report.show(examined.diagnosis)
    paths = {"html": str(examined.page), "json": str(examined.document), "exclude": str(examined.exclude)}
    command, count = shlex.join(["edgetl", "train", data, "--exclude", str(examined.exclude)]), len(examined.diagnosis.exclude)
    remedy = f"to leave out {counted(count, 'image')}: {command}" if count else "no image need be left out"
    console.note(f"{examined.page} shows the findings; {remedy}")
    if strict and count:
        raise DataError(f"{counted(count, 'image')} of {data} should be left out", f"the list is {examined.exclude}")
    console.result(examined.diagnosis.to_json() | {"files": paths})
