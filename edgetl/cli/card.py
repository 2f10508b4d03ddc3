"""`edgetl card`."""

from pathlib import Path
from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import Json, RunPath


def card(
    run: RunPath = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for results.json and card.md; left out: the run.")] = None,
    as_json: Json = False,
) -> None:
    """Write down what a validated run is and what was measured: results.json and card.md.

    Example: edgetl card runs/flowers --out models/flowers
    """
    from edgetl.evaluation.validation import Validation
    from edgetl.files import atomic, write_json
    from edgetl.report import card as cards
    from edgetl.run_folder import RunFolder

    opened = RunFolder.open(run)
    if out is None:
        opened.hold()
    folder = out or opened.path
    results = cards.results(opened.read(), Validation.of(opened))
    write_json(folder / "results.json", results)
    with atomic(folder / "card.md") as temporary:
        temporary.write_text(cards.card(folder.resolve().name, results), encoding="utf-8")
    console.result({"folder": str(folder)} | results, f"written: {folder / 'card.md'}, {folder / 'results.json'}")
