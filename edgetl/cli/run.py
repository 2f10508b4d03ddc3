"""`edgetl run`."""

from pathlib import Path
from typing import Annotated

import typer

from edgetl.cli.options import Json, Mlflow, Out, Quick, Set
from edgetl.cli.validate import print_verdict


def run(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.toml", help="Read settings from this file; its data.source names the images.")],
    out: Out = None,
    quick: Quick = False,
    mlflow: Mlflow = None,
    settings: Set = None,
    as_json: Json = False,
) -> None:
    """Train, export and validate in one go.

    What is finished and has the same inputs is not done again. If the recipe describes how to pretrain the backbone, that is done first.

    Example:
      edgetl run recipe.toml --out runs/flowers
    """
    from edgetl.api import training

    validation = training.run(recipe, out=out, quick=quick, settings=settings, mlflow=mlflow).validation
    if validation is not None:
        print_verdict(validation)
