"""`edgetl learning-curve`."""

from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import Alpha, Backbone, Data, ImageSize, Json, Out, RecipeFile, Set, Task, Weights


def learning_curve(
    data: Data,
    out: Out = None,
    backbone: Backbone = None,
    alpha: Alpha = None,
    image_size: ImageSize = None,
    weights: Weights = None,
    seeds: Annotated[int, typer.Option(min=1, max=100, metavar="N", help="Train this many heads for each number of images.")] = 5,
    recipe: RecipeFile = None,
    task: Task = None,
    settings: Set = None,
    as_json: Json = False,
) -> None:
    """Estimate what more images would be worth.

    Trains heads on a sixteenth up to all of the images and extrapolates by a power law. Writes RUN/learning_curve.json and .png. 'edgetl
    train' with the same options continues in the same run.

    Example:
      edgetl learning-curve flowers/ --backbone small_cnn --weights none
    """
    from edgetl.api import training
    from edgetl.report.terminal.learning_curve import print_learning_curve

    found = training.learning_curve(
        data, out=out, seeds=seeds, recipe=recipe, settings=settings,
        backbone=backbone, alpha=alpha, image_size=image_size, weights=weights, task=task,
    )  # fmt: skip
    print_learning_curve(found.curve)
    console.result({"run": str(found.run.path)} | found.curve.to_json(), f"plot: {found.plot}")
