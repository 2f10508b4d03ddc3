"""`edgetl predict`."""

from pathlib import Path
from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import Json


def predict(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL_OR_RUN", help="A .tflite, .onnx or .keras file, or a run (its int8 TFLite file).")
    ],
    images: Annotated[list[str], typer.Argument(metavar="IMAGE...", help="Files, or embedded images such as digits:7.")],
    top: Annotated[int, typer.Option(min=1, help="Classes an image.")] = 3,
    as_json: Json = False,
) -> None:
    """Name what is on images, with probabilities.

    Example: edgetl predict runs/flowers rose.jpg tulip.png
    """
    from edgetl.pipeline.predict import predict as answer

    predictions = answer(model, images, top)
    rows = [
        [a["image"] if rank == 0 else "", best["label"], f"{best['probability']:.4f}"]
        for a in predictions
        for rank, best in enumerate(a["top"])
    ]
    console.table(str(model), ["image", "class", "probability"], rows)
    console.result(predictions)
