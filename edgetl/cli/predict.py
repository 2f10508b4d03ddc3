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
        list[str],
        typer.Argument(
            metavar="IMAGE...", help="Classify these files, all images below these folders, or embedded images such as digits:7."
        ),
    ],
    top: Annotated[int, typer.Option(min=1, metavar="N", help="Print this many classes per image.")] = 3,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write this CSV file, with a row for each image, read or not (default: none).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Classify images: print class names and probabilities.

    An image whose classes all stay below the model's thresholds, if it has any, is unknown; its best guesses stand in brackets.
    A multi-label model prints all classes that reach their thresholds, or "none of the classes".

    An image that cannot be read is listed, and the others are classified anyway.

    Exit code 3: an image cannot be read.

    Example:
      edgetl predict runs/flowers rose.jpg photos/ --csv predictions.csv
    """
    from edgetl.api.runs import load
    from edgetl.data.base import Rejected
    from edgetl.errors import DataError, listed
    from edgetl.wording import counted

    bad: list[Rejected] = []
    with load(model) as classifier:
        predictions = classifier.predict(images, on_bad=bad.append, csv=csv, top=top)
    rows = []
    for one in predictions:
        named = [[best.class_name, f"{best.probability:.4f}"] for best in one.shown(top)]
        lines = [[one.without, ""], *([f"({name})", share] for name, share in named)] if one.without else named
        rows += [[one.image if rank == 0 else "", *line] for rank, line in enumerate(lines)]
    if rows:
        console.table(str(model), ["image", "class", "probability"], rows)
    if without := [one.without for one in predictions if one.without]:
        share = f"{len(without)} of {counted(len(predictions), 'image')}"
        console.note(f"{without[0]}: {share}, as no class reaches its threshold; guesses in brackets")
    if csv is not None:
        console.note(f"written: {csv}")
    console.result(
        [*(one.to_json(top) for one in predictions), *({"image": one.name, "present": [], "top": [], "problem": one.reason} for one in bad)]
    )
    if bad:
        reasons = listed([one.reason for one in bad])
        console.fail(f"{counted(len(bad), 'image')} cannot be read:{reasons}", "the others are classified" if rows else "")
        raise typer.Exit(DataError.exit_code)
