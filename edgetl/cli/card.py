"""`edgetl card`."""

from pathlib import Path
from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import Json, RunPath


def card(
    run: RunPath = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write results.json and card.md into this folder (default: the run).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a model card: card.md and results.json.

    Example:
      edgetl card runs/flowers --out models/flowers
    """
    from edgetl.api import runs

    written = runs.card(run, out=out)
    folder = written.folder
    console.result({"folder": str(folder)} | written.results.to_json(), f"written: {folder / 'card.md'}, {folder / 'results.json'}")
