"""`edgetl run`."""

from pathlib import Path
from typing import Annotated

import typer

from edgetl.cli.options import Json, Mlflow, Out, Quick, Set
from edgetl.cli.validate import tell


def run(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.toml", help="Settings; data.source names the images.")],
    out: Out = None,
    quick: Quick = False,
    mlflow: Mlflow = None,
    settings: Set = None,
    as_json: Json = False,
) -> None:
    """Train, export and validate in one go; what is finished and has the same inputs is not done again.

    A recipe that says how its backbone is pretrained has that done first.

    Example: edgetl run recipe.toml --out runs/flowers
    """
    from edgetl import recipe as recipes

    options = {"track.mlflow": mlflow}
    chosen = recipes.load(recipe, settings or (), options, quick=quick)
    source = recipes.pretraining(recipe, settings or (), options, quick=quick)

    from edgetl.pipeline import track
    from edgetl.pipeline.export.files import export
    from edgetl.pipeline.project import Project
    from edgetl.pipeline.train.pretrain import make_backbone
    from edgetl.pipeline.train.stages import train
    from edgetl.pipeline.validate import validate

    track.check(chosen)
    if source is not None:
        make_backbone(source, Path(chosen.model.weights))
    project = Project.create(chosen, out)
    train(project)
    if project.team.rank:
        return
    export(project)
    document = validate(project, again=False)
    track.track(project.run, chosen)
    tell(document)
