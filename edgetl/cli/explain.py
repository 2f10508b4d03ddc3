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
            help="A run directory (left out: the newest under runs/), and files or embedded images such as digits:7.",
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="For the PNGs and explain.json; left out: RUN/explain, for the report.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show where the float and the int8 model look (Grad-CAM), and where they differ.

    As a check the place where a model looks most is hidden: its probability has to fall further than when other places are.

    Example: edgetl explain runs/flowers rose.jpg
    """
    from edgetl.errors import UsageError

    run, names = (Path(targets[0]), targets[1:]) if Path(targets[0]).is_dir() else (None, targets)
    if not names:
        raise UsageError("no image was named", "edgetl explain RUN IMAGE...")

    from edgetl.api.runs import opened

    document = opened(run, for_="explain").explain(names, out=out)
    rows = []
    for one in document["images"]:
        for name in ("float", "int8"):
            figures = one[name]
            share = f"{100 * figures['beaten']:.0f}"
            row = [
                one["image"],
                name,
                f"{100 * figures['probability']:.1f}",
                f"{100 * figures['drop']:.1f}",
                f"{100 * figures['drop_elsewhere']:.1f}",
            ]
            rows.append([*row, share, f"{one['largest_map_change']:.2f}" if name == "int8" else ""])
    console.note("probability of the class that the float model names, in %; hidden: points lost when the place looked at most is covered;")
    console.note("elsewhere: the mean over other places; beats: % of the other places that cost less; change: of the map, of 1")
    console.table("where the models look", ["image", "model", "p", "hidden", "elsewhere", "beats", "change"], rows)
    console.result(document, f"written: {document['folder']}")
