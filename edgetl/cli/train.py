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
    Preprocessing,
    Quick,
    RecipeFile,
    Seed,
    Set,
    Task,
    Weights,
    setting,
)

Qat = Annotated[
    bool | None,
    setting("quantize.qat", "Train with quantization in the loop, or only calibrate; auto: if that can win anything", "--qat/--no-qat"),
]
Unfreeze = Annotated[
    str | None,
    setting("train.unfreeze", "Fine-tune this part of the network; auto: short trials decide", metavar="none|head|N-blocks|all|auto"),
]
Exclude = Annotated[
    str | None,
    setting("data.exclude", "Leave out the images that this file lists, such as exclude.txt of 'edgetl doctor'", metavar="FILE"),
]
Background = Annotated[
    str | None,
    setting("reject.background", "Learn to reject the images of this folder, which show none of the classes", metavar="DIR"),
]
Baseline = Annotated[
    str,
    typer.Option(
        metavar="scratch|head-only",
        help="Also train this baseline, for as long, and print whether transfer or fine-tuning helped (default: none).",
    ),
]


def train(
    data: Data,
    out: Out = None,
    backbone: Backbone = None,
    alpha: Alpha = None,
    image_size: ImageSize = None,
    weights: Weights = None,
    preprocessing: Preprocessing = None,
    epochs: Annotated[int | None, setting("train.epochs", "Fine-tune for this many epochs")] = None,
    head_epochs: Annotated[int | None, setting("train.head_epochs", "Train the classifier alone for this many epochs first")] = None,
    qat_epochs: Annotated[int | None, setting("quantize.epochs", "Train with quantization in the loop for this many epochs")] = None,
    qat: Qat = None,
    batch_size: BatchSize = None,
    learning_rate: Annotated[float | None, setting("train.learning_rate", "Fine-tune with this peak learning rate")] = None,
    unfreeze: Unfreeze = None,
    precision: Annotated[
        str | None, setting("train.precision", "Fine-tune in this precision", metavar="auto|float32|mixed_bfloat16|mixed_float16")
    ] = None,
    jit: Annotated[str | None, setting("train.jit", "Compile training steps with XLA", metavar="auto|on|off")] = None,
    strategy: Annotated[str | None, setting("train.strategy", "Train on these devices", metavar="auto|one|mirrored|multi-worker")] = None,
    sparsity: Annotated[
        float | None, setting("compress.sparsity", "Set this share of the weights to zero, for smaller zipped files")
    ] = None,
    clusters: Annotated[
        int | None, setting("compress.clusters", "Limit each kernel to this many different values, for smaller zipped files; 0: no limit")
    ] = None,
    exclude: Exclude = None,
    background: Background = None,
    seed: Seed = None,
    baseline: Baseline = "",
    recipe: RecipeFile = None,
    quick: Quick = False,
    mlflow: Mlflow = None,
    task: Task = None,
    settings: Set = None,
    as_json: Json = False,
) -> None:
    """Fine-tune a model, then train it with quantization.

    Trains a new classifier on a pretrained backbone, fine-tunes the network, and goes on with quantization in the loop. The same command
    continues a run that was stopped.

    Example:
      edgetl train flowers/ --backbone mobilenet_v2 --alpha 0.35 --image-size 128
      edgetl train flowers/ --weights mobilenetv4.onnx
    """
    from edgetl.api import training
    from edgetl.report.terminal.run import print_stages

    trained = training.train(
        data, out=out, recipe=recipe, quick=quick, baseline=baseline, settings=settings,
        backbone=backbone, alpha=alpha, image_size=image_size, weights=weights, preprocessing=preprocessing,
        epochs=epochs, head_epochs=head_epochs, qat=qat, qat_epochs=qat_epochs, batch_size=batch_size,
        learning_rate=learning_rate, unfreeze=unfreeze, precision=precision, jit=jit, strategy=strategy,
        sparsity=sparsity, clusters=clusters, exclude=exclude, background=background, seed=seed, mlflow=mlflow, task=task,
    )  # fmt: skip
    if trained.rank == 0:
        record = trained.folder.read()
        print_stages(record)
        console.result({"run": str(trained.path)} | record.to_json(), f"next: edgetl export {trained.folder.quoted}")
