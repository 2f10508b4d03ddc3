"""`edgetl import`."""

from pathlib import Path
from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import BatchSize, Json, Mlflow, Out, Preprocessing, RecipeFile, Seed, Set, setting
from edgetl.cli.train import Qat

Data = Annotated[
    str,
    typer.Option(
        "--data",
        metavar="DATA",
        help="Calibrate and measure with these images: labelled ones, as for 'edgetl train', also show how the network is fed; "
        "a folder of images alone will do (default: none, and no int8 files).",
    ),
]


def import_model(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Import this .onnx, .keras, .h5 or .tflite file, or SavedModel.")],
    data: Data = "",
    out: Out = None,
    class_names: Annotated[
        str | None,
        setting("imported.class_names", "Name the outputs by this file, a class name a line", metavar="FILE"),
    ] = None,
    preprocessing: Preprocessing = None,
    resize: Annotated[
        str | None, setting("imported.resize", "Crop or stretch images to the input's proportions", metavar="auto|crop|stretch")
    ] = None,
    size: Annotated[
        str | None, setting("imported.size", "Give the input this height and width, where the file takes any", metavar="HxW")
    ] = None,
    qat: Qat = None,
    qat_epochs: Annotated[int | None, setting("quantize.epochs", "Train with quantization in the loop for this many epochs")] = None,
    batch_size: BatchSize = None,
    seed: Seed = None,
    recipe: RecipeFile = None,
    mlflow: Mlflow = None,
    settings: Set = None,
    as_json: Json = False,
) -> None:
    """Make a run of a model from elsewhere, and quantize it.

    Reads the file as data, finds how the network is fed from labelled images, and goes on as after a training: export, validate, bundle.
    Without labels it is compared with the original file; how it is fed must then be in the file or named.
    A file that is quantized already, a .tflite of 8 bits or an .onnx of Q/DQ pairs, keeps its integers: nothing is calibrated or trained.

    Example:
      edgetl import resnet.onnx --data flowers/
      edgetl import resnet.onnx --data photos/ --preprocessing imagenet
    """
    from edgetl.api import training
    from edgetl.report.terminal.run import print_stages

    made = training.import_model(
        model, data, out=out, recipe=recipe, settings=settings, class_names=class_names, preprocessing=preprocessing, resize=resize,
        size=size, qat=qat, qat_epochs=qat_epochs, batch_size=batch_size, seed=seed, mlflow=mlflow,
    )  # fmt: skip
    record = made.folder.read()
    print_stages(record)
    console.result({"run": str(made.path)} | record.to_json(), f"next: edgetl export {made.folder.quoted}")
