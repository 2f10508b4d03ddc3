"""`edgetl pretrain`."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import Alpha, Backbone, BatchSize, ImageSize, Json, RecipeFile, Seed, Set, setting


def pretrain(
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="Learn from these images, given as for 'edgetl train'; many varied images are best.")
    ],
    backbone: Backbone = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE.npz", help="Write the backbone to this file (default: backbone.npz in a run under runs/pretrained)."
        ),
    ] = None,
    alpha: Alpha = None,
    image_size: ImageSize = None,
    weights: Annotated[str, typer.Option(metavar="none|imagenet|PATH", help="Start from these weights.")] = "none",
    epochs: Annotated[int | None, setting("train.epochs", "Train the network for this many epochs")] = None,
    batch_size: BatchSize = None,
    learning_rate: Annotated[float | None, setting("train.learning_rate", "Train with this peak learning rate")] = None,
    seed: Seed = None,
    recipe: RecipeFile = None,
    settings: Set = None,
    as_json: Json = False,
) -> None:
    """Train a backbone of your own.

    Other trainings can start from it: 'edgetl train --weights FILE.npz'.

    Example:
      edgetl pretrain cifar10 --backbone small_cnn --image-size 32 --out own.npz
    """
    from edgetl.api import training

    made = training.pretrain(
        data, out=out, recipe=recipe, settings=settings, backbone=backbone, alpha=alpha, image_size=image_size, weights=weights,
        epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, seed=seed,
    )  # fmt: skip
    console.result(
        {"file": str(made.file), "run": str(made.run)} | made.facts.model_dump(mode="json"),
        f"next: edgetl train DATA --backbone {made.backbone} --weights {shlex.quote(str(made.file))}",
    )
