"""`edgetl ship`."""

from pathlib import Path
from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.names import completed
from edgetl.cli.options import Golden, Images, Json
from edgetl.wording import counted


def ship(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="[RUN|BUNDLE]", help="Ship this validated run or this .edgetl file (default: the newest validated run under runs/)."
        ),
    ] = None,
    target: Annotated[
        str,
        typer.Option(metavar="NAME", help="Make an app for this target, see 'edgetl list targets'.", autocompletion=completed("targets")),
    ] = ...,  # type: ignore[assignment]
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a new app into this folder (default: --into must be given).")
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Add model, classifier and test to the app in this folder (default: --out must be given)."),
    ] = None,
    package: Annotated[
        str, typer.Option(metavar="com.example.app", help="Name the app's package (default: from the model's name, or the app's own).")
    ] = "",
    runtime: Annotated[str, typer.Option(metavar="RUNTIME", help="Run the model with this runtime (default: the target's first).")] = "",
    translation: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="LANGUAGE.json", help="Let the app speak this language, too, such as de.json; repeatable (default: English alone)."
        ),
    ] = None,
    golden: Golden = "validation",
    data: Images = "",
    as_json: Json = False,
) -> None:
    """Make an app of a validated run, or update one.

    The app gets the model, class names, a classifier, and a test that replays the golden predictions. Its golden images are synthetic; real
    ones go into tests and debug builds alone. A second call updates what the first one wrote; files that you changed are kept and listed.

    Exit codes: 5 the run or bundle is damaged; 6 a microcontroller cannot run the model; 7 its validation failed, or its models give other
    predictions than when it was made.

    Example:
      edgetl ship runs/flowers --target android --out flowers-app
    """
    from edgetl.api import files
    from edgetl.api.options import ShipOptions

    chosen = ShipOptions(out=out, into=into, package=package, runtime=runtime, golden=golden, data=data, translations=translation or ())
    made = files.ship_bundle(source, target, **chosen)
    if made.forced:
        console.warn(f"bundled by force: {made.forced}")
    if made.own_images:
        console.note(made.own_images)
    for path in made.kept:
        console.warn(f"kept as you have it: {path}")
    changed = f"{counted(len(made.written), 'file')} written, {len(made.removed)} removed, {len(made.unchanged)} as they were"
    console.result(made.to_json(), f"{made.folder}: {changed}\n{made.next}")
