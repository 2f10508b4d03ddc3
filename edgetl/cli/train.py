"""`edgetl train`."""

from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import (
    Alpha,
    Backbone,
    BatchSize,
    Data,
    ImageSize,
    Json,
    Mlflow,
    Out,
    Quick,
    RecipeFile,
    Seed,
    Set,
    Weights,
    setting,
)

Qat = Annotated[
    bool | None,
    typer.Option("--qat/--no-qat", help="Train with quantization in the loop, or calibrate only (default: --qat).", show_default=False),
]
Unfreeze = Annotated[
    str | None,
    setting("train.unfreeze", "Fine-tune this much of the network; auto: short trials decide", metavar="none|head|N-blocks|all|auto"),
]
Baseline = Annotated[
    str,
    typer.Option(metavar="scratch|head-only", help="Train this baseline too, as long, and say whether transfer, or fine-tuning, helped."),
]


def train(
    data: Data,
    out: Out = None,
    backbone: Backbone = None,
    alpha: Alpha = None,
    image_size: ImageSize = None,
    weights: Weights = None,
    epochs: Annotated[int | None, setting("train.epochs", "Fine-tune for this many epochs")] = None,
    head_epochs: Annotated[int | None, setting("train.head_epochs", "Train the last layer alone for this many epochs first")] = None,
    qat_epochs: Annotated[int | None, setting("quantize.epochs", "Train with quantization in the loop for this many epochs")] = None,
    qat: Qat = None,
    batch_size: BatchSize = None,
    learning_rate: Annotated[float | None, setting("train.learning_rate", "Fine-tune with this peak learning rate")] = None,
    unfreeze: Unfreeze = None,
    precision: Annotated[
        str | None, setting("train.precision", "Fine-tune in this precision", metavar="auto|float32|mixed_bfloat16|mixed_float16")
    ] = None,
    jit: Annotated[str | None, setting("train.jit", "Compile training steps with XLA", metavar="auto|on|off")] = None,
    strategy: Annotated[
        str | None, setting("train.strategy", "Train on these devices together", metavar="auto|one|mirrored|multi-worker")
    ] = None,
    sparsity: Annotated[float | None, setting("compress.sparsity", "Make this share of the weights zero, for small zipped files")] = None,
    clusters: Annotated[
        int | None, setting("compress.clusters", "Let a kernel have this many different values, for small zipped files; 0: any")
    ] = None,
    exclude: Annotated[
        str | None, typer.Option(metavar="FILE", help="Leave out the images that this file lists, as 'edgetl doctor' writes it.")
    ] = None,
    seed: Seed = None,
    baseline: Baseline = "",
    recipe: RecipeFile = None,
    quick: Quick = False,
    mlflow: Mlflow = None,
    settings: Set = None,
    as_json: Json = False,
) -> None:
    """Fine-tune a model on images, then train it with quantization in the loop.

    Example: edgetl train flowers/ --backbone mobilenet_v2 --alpha 0.35 --image-size 128
    """
    from edgetl.api import training
    from edgetl.report.terminal.run import print_stages

    trained = training.train(
        data, out=out, recipe=recipe, quick=quick, baseline=baseline, settings=settings,
        backbone=backbone, alpha=alpha, image_size=image_size, weights=weights, epochs=epochs, head_epochs=head_epochs, qat=qat,
        qat_epochs=qat_epochs, batch_size=batch_size, learning_rate=learning_rate, unfreeze=unfreeze, precision=precision, jit=jit,
        strategy=strategy, sparsity=sparsity, clusters=clusters, exclude=exclude, seed=seed, mlflow=mlflow,
    )  # fmt: skip
    if trained.rank == 0:
        record = trained.folder.read()
        print_stages(record)
        console.result({"run": str(trained.path)} | record.to_json(), f"next: edgetl export {trained.path}")
