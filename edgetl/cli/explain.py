"""`edgetl explain`."""

from pathlib import Path
from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import Json


def explain(
    targets: Annotated[
        list[str],
        typer.Argument(
            metavar="[RUN] IMAGE...",
            help="Explain the predictions for these image files, or embedded images such as digits:7 (default run: the newest).",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Write the PNGs and explain.json into this folder (default: RUN/explain, which the report shows)."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show where the float and the int8 model look (Grad-CAM).

    Writes an image with both heat maps and their difference. As a check, the most important region is hidden: the probability must fall
    more than when other regions are hidden.

    Example:
      edgetl explain runs/flowers rose.jpg
    """
    from edgetl.errors import UsageError

    first = Path(targets[0])
    missing = len(targets) > 1 and not first.suffix and ":" not in targets[0] and not first.exists()  # a run that was mistyped
    run, names = (first, targets[1:]) if first.is_dir() or missing else (None, targets)
    if not names:
        raise UsageError("no image was named", "edgetl explain RUN IMAGE...")

    from edgetl.api.runs import opened
    from edgetl.report.terminal import saliency as report

    found = opened(run, for_="explain")
    explanation = found.explain(names, out=out)
    report.show(explanation)
    folder = out or found.folder.explained
    console.result(explanation.to_json() | {"folder": str(folder)}, f"written: {folder}")
