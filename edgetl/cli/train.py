"""`edgetl train`."""

from pathlib import Path
from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import Json, Mlflow, Out, Quick, Set

Data = Annotated[str, typer.Argument(help="A folder (CLASS/*, or train/, val/, test/ of that), a CSV file, or a set ('list sources').")]
Qat = Annotated[
    bool | None, typer.Option("--qat/--no-qat", help="Train with quantization in the loop, or only calibrate.", show_default=False)
]
Unfreeze = Annotated[
    str | None, typer.Option(metavar="none|head|N-blocks|all|auto", help="How much of it learns; auto: short trials tell.")
]
Baseline = Annotated[
    str, typer.Option(metavar="scratch|head-only", help="Train that too, as long, and say whether transfer, or fine-tuning, helped.")
]


def train(
    data: Data,
    out: Out = None,
    backbone: Annotated[str | None, typer.Option(help="See 'edgetl list backbones'.")] = None,
    alpha: Annotated[float | None, typer.Option(help="Width multiplier of the backbone.")] = None,
    image_size: Annotated[int | None, typer.Option(help="Pixels.")] = None,
    weights: Annotated[str | None, typer.Option(metavar="imagenet|none|PATH", help="What to start from.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Of fine-tuning.")] = None,
    head_epochs: Annotated[int | None, typer.Option(help="Of the last layer alone, before fine-tuning.")] = None,
    qat_epochs: Annotated[int | None, typer.Option(help="Of quantization-aware training.")] = None,
    qat: Qat = None,
    batch_size: Annotated[int | None, typer.Option(help="Images a step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak of fine-tuning.")] = None,
    unfreeze: Unfreeze = None,
    precision: Annotated[str | None, typer.Option(metavar="auto|float32|mixed_bfloat16|mixed_float16", help="Of fine-tuning.")] = None,
    jit: Annotated[str | None, typer.Option(metavar="auto|on|off", help="Compile training steps with XLA.")] = None,
    strategy: Annotated[str | None, typer.Option(metavar="auto|one|mirrored|multi-worker", help="What trains together.")] = None,
    sparsity: Annotated[float | None, typer.Option(help="Share of weights to make zero, for small zipped files.")] = None,
    clusters: Annotated[int | None, typer.Option(help="Different values a kernel may have, for small zipped files.")] = None,
    exclude: Annotated[str | None, typer.Option(metavar="FILE", help="Images to leave out, as 'edgetl doctor' lists them.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of splits, weights and augmentation.")] = None,
    baseline: Baseline = "",
    recipe: Annotated[Path | None, typer.Option(metavar="FILE.toml", help="Settings; the options here come on top.")] = None,
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
