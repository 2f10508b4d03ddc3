"""`edgetl predict`."""

from pathlib import Path
from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import Json


def predict(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL|RUN|BUNDLE", help="Load this .tflite, .onnx, .ort or .keras file, run (its int8 model) or .edgetl bundle."
        ),
    ],
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE...", help="Classify these files, folders of images, or embedded images such as digits:7.")
    ],
    top: Annotated[int, typer.Option(min=1, metavar="N", help="Print this many classes per image.")] = 3,
    as_json: Json = False,
) -> None:
    """Classify images: print class names and probabilities.

    Example:
      edgetl predict runs/flowers rose.jpg tulip.png
    """
    from edgetl.api.runs import load

    with load(model) as classifier:
        predictions = classifier.predict(images)
    rows = [
        [one.image if rank == 0 else "", best.class_name, f"{best.probability:.4f}"]
        for one in predictions
        for rank, best in enumerate(one.top(top))
    ]
    console.table(str(model), ["image", "class", "probability"], rows)
    console.result([one.to_json(top) for one in predictions])
