"""Options that several commands take, once."""

from pathlib import Path
from typing import Annotated

import typer

from edgetl import console


def _want_json(wanted: bool) -> bool:
    if wanted:
        console.current().json = True
    return wanted


def _want_verbose(wanted: bool) -> bool:
    if wanted:
        console.current().verbose = True
    return wanted


Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, all else on stderr.", callback=_want_json, is_eager=True)]
Verbose = Annotated[
    bool, typer.Option("--verbose", help="Details, and what native code says, on stderr.", callback=_want_verbose, is_eager=True)
]
RunPath = Annotated[
    Path | None, typer.Argument(metavar="[RUN]", help="A run directory; left out: the newest one under runs/.", show_default=False)
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="RUN", help="Run directory; left out: runs/NAME, the same for the same command.")
]
Mlflow = Annotated[
    str | None, typer.Option("--mlflow", metavar="URI", help="Track in MLflow: sqlite:///FILE, a folder, or a server's address.")
]
Quick = Annotated[bool, typer.Option("--quick", help="A short try, with what the recipe names for that: fewer epochs and images.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any setting, such as augment.flip=false ('edgetl list settings').")
]
