"""`edgetl run`."""

from pathlib import Path
from typing import Annotated

import typer

from edgetl.cli.options import Json, Mlflow, Out, Set
from edgetl.cli.validate import tell


def run(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.toml", help="Settings; data.source names the pictures.")],
    out: Out = None,
    mlflow: Mlflow = None,
    settings: Set = None,
    as_json: Json = False,
) -> None:
    """Train, export and validate in one go; what is finished and has the same inputs is not done again.

    Example: edgetl run recipe.toml --out runs/flowers
    """
    from edgetl import recipe as recipes

    chosen = recipes.load(recipe, settings or (), {"track.mlflow": mlflow})

    from edgetl.pipeline import track
    from edgetl.pipeline.export import export
    from edgetl.pipeline.train import train
    from edgetl.pipeline.validate import validate
    from edgetl.project import Project

    track.check(chosen)
    project = Project.create(chosen, out)
    train(project)
    export(project)
    document = validate(project, again=False)
    track.track(project.run, chosen)
    tell(document)
