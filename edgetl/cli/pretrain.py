"""`edgetl pretrain`."""

from pathlib import Path
from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import Json, Set


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
    from edgetl.api import training

    made = training.pretrain(
        data, out=out, recipe=recipe, settings=settings, backbone=backbone, alpha=alpha, image_size=image_size, weights=weights,
        epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, seed=seed,
    )  # fmt: skip
    console.result(
        {"file": str(made.file), "run": str(made.run)} | made.facts.model_dump(mode="json"),
        f"next: edgetl train DATA --backbone {made.backbone} --weights {made.file}",
    )
