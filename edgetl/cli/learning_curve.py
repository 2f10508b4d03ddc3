"""`edgetl learning-curve`."""

from pathlib import Path
from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import Json, Out, Set


def learning_curve(
    data: Annotated[str, typer.Argument(help="Images, as for 'edgetl train'.")],
    out: Out = None,
    backbone: Annotated[str | None, typer.Option(help="See 'edgetl list backbones'.")] = None,
    alpha: Annotated[float | None, typer.Option(help="Width multiplier of the backbone.")] = None,
    image_size: Annotated[int | None, typer.Option(help="Pixels.")] = None,
    weights: Annotated[str | None, typer.Option(metavar="imagenet|none|PATH", help="What to start from.")] = None,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Heads for each number of images.")] = 5,
    recipe: Annotated[Path | None, typer.Option(metavar="FILE.toml", help="Settings; the options here come on top.")] = None,
    settings: Set = None,
    as_json: Json = False,
) -> None:
    """Say what more images would be worth: heads trained on a sixteenth to all of them, and the power law that they follow.

    Writes RUN/learning_curve.json and .png; 'edgetl train' with the same choices goes on in the same run.

    Example: edgetl learning-curve flowers/ --backbone mobilenet_v2 --alpha 0.35 --image-size 128
    """
    from edgetl.api import training
    from edgetl.report.terminal.learning_curve import print_learning_curve

    run, curve = training.learning_curve(
        data, out=out, seeds=seeds, recipe=recipe, settings=settings, backbone=backbone, alpha=alpha, image_size=image_size, weights=weights
    )
    print_learning_curve(curve)
    console.result({"run": str(run.path)} | curve.to_json(), f"plot: {run.folder.learning_curve_plot}")
