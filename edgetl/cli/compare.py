"""`edgetl compare`."""

from pathlib import Path
from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import Images, Json


def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Compare these two or more runs, which must be measured on the same images.")
    ],
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Compare this exported file of each run, such as model_int8.tflite (default: int8, else float32)."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write compare.json and compare.png into this folder (default: nothing is written)."),
    ] = None,
    different_classes: Annotated[
        bool, typer.Option("--different-classes", help="Compare runs with different class names, too, each by its own labels.")
    ] = False,
    data: Images = "",
    as_json: Json = False,
) -> None:
    """Compare the accuracy, size and latency of runs.

    The runs are compared image by image, with a test of whether a difference is more than chance.

    Exit code 3: the runs are measured on different images, or have different class names.

    Example:
      edgetl compare runs/flowers runs/flowers-wide
    """
    from edgetl.api import runs as api
    from edgetl.report.terminal.comparison import print_comparison

    comparison = api.compare(runs, model=model, out=out, data=data, different_classes=different_classes)
    print_comparison(comparison)
    console.note(f"written: {out / 'compare.png'}, {out / 'compare.json'}" if out else "to write this as a plot and a document: --out DIR")
    console.result({"folder": str(out) if out else None} | comparison.to_json())
