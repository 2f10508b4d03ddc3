"""`edgetl pretrain`."""

from pathlib import Path
from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import Json, Set
from edgetl.errors import UsageError


def pretrain(
    data: Annotated[str, typer.Argument(help="Images to learn from, as for 'edgetl train': the more and the more varied, the better.")],
    backbone: Annotated[str | None, typer.Option(help="See 'edgetl list backbones'.")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE.npz", help="The backbone file; left out: backbone.npz in a run under runs/pretrained."),
    ] = None,
    alpha: Annotated[float | None, typer.Option(help="Width multiplier of the backbone.")] = None,
    image_size: Annotated[int | None, typer.Option(help="Pixels.")] = None,
    weights: Annotated[str, typer.Option(metavar="none|imagenet|PATH", help="What to start from.")] = "none",
    epochs: Annotated[int | None, typer.Option(help="Of the whole network.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images a step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of splits, weights and augmentation.")] = None,
    recipe: Annotated[Path | None, typer.Option(metavar="FILE.toml", help="Settings; the options here come on top.")] = None,
    settings: Set = None,
    as_json: Json = False,
) -> None:
    """Train a backbone of your own on one set of images, as a start for others.

    Example: edgetl pretrain cifar10 --backbone small_cnn --image-size 32 --out small_cnn.npz
    """
    from edgetl import recipe as recipes

    if out is not None and out.suffix != ".npz":
        raise UsageError(f"{out} does not end in .npz", "'edgetl train --weights' tells backbone files by that")
    options = {
        "data.source": data, "model.backbone": backbone, "model.alpha": alpha, "model.image_size": image_size, "model.weights": weights,
        "train.epochs": epochs, "train.batch_size": batch_size, "train.learning_rate": learning_rate, "train.seed": seed,
        "train.head_epochs": 0 if weights == "none" else None,  # on features of random weights the head learns nothing worth having
    }  # fmt: skip
    chosen = recipes.load(recipe, settings or (), options)

    from edgetl.pipeline.project import Project
    from edgetl.pipeline.train import pretrain as stage
    from edgetl.run_folder import PRETRAINED
    from edgetl.run_record import FloatFacts

    project = Project.create(chosen, None, PRETRAINED)
    file = stage.pretrain(project, out)
    facts = project.run.facts("backbone", FloatFacts)
    console.result(
        {"file": str(file), "run": str(project.run.path)} | facts.model_dump(mode="json"),
        f"next: edgetl train DATA --backbone {chosen.model.backbone} --weights {file}",
    )
