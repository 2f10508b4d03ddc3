"""`edgetl runs`."""

from pathlib import Path
from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import Json


def runs(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="List the runs in this folder (default: runs).")] = Path("runs"),
    sort: Annotated[
        str, typer.Option(metavar="COLUMN", help="Sort by this column, best first: high accuracies, small sizes, short times.")
    ] = "created",
    columns: Annotated[
        str,
        typer.Option(
            metavar="A,B,...",
            help="Show these columns and settings, such as int8_top1,train.learning_rate (default: model, top-1, size, latency, verdict).",
        ),
    ] = "",
    keep: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Keep the first N runs of the list and delete the others (default: all are kept)."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
    as_json: Json = False,
) -> None:
    """List, compare and delete runs.

    A folder that is not a run, or that holds files that edgetl did not write, is never deleted.

    Example:
      edgetl runs --sort int8_top1 --columns int8_top1,size_kib
    """
    from edgetl.errors import RunError
    from edgetl.pipeline import runs as stage
    from edgetl.run_folder import RunFolder

    if not folder.is_dir():
        raise RunError(f"there is no folder {folder}", "make a run with 'edgetl train DATA', or name the folder that holds your runs")
    asked = [name.strip() for name in columns.split(",") if name.strip()]
    rows = stage.runs(folder, asked or stage.WIDEST, sort)
    shown, rows = (asked, rows) if asked else stage.narrowed(rows)
    cells = [[row.run.name, *(row.cells[name] for name in shown)] for row in rows]
    console.table(str(folder), ["run", *(stage.SHORT.get(name, name) for name in shown)], cells)
    removed = []
    for path in [row.run for row in rows[keep:]] if keep is not None else []:
        reason = stage.removable(RunFolder(path))
        if reason:
            console.warn(f"{path} stays: {reason}")
        elif yes or typer.confirm(f"delete {path}?", err=True):
            stage.remove(RunFolder(path))
            removed.append(str(path))
            console.note(f"deleted: {path}")
    console.result({"runs": [row.to_json() for row in rows], "deleted": removed})
