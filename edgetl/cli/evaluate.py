"""`edgetl evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import Json, RunPath


def evaluate(
    run: RunPath = None,
    split: Annotated[str, typer.Option(metavar="val|test|train", help="The images to evaluate on.")] = "val",
    model: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="An exported file, as model_int8.onnx; may be repeated; left out: int8 and float32."),
    ] = None,
    cv: Annotated[int, typer.Option(min=0, metavar="K", help="Cross-validate the head in K folds of the train and val images, too.")] = 0,
    as_json: Json = False,
) -> None:
    """Say how good the models are: accuracy, top-k, loss, precision, recall, F1, ROC-AUC, confusion and calibration, all with intervals.

    Writes RUN/evaluation.json and RUN/evaluation.png.

    Example: edgetl evaluate runs/flowers --split test --cv 5
    """
    from edgetl.errors import UsageError
    from edgetl.registry import did_you_mean

    if split not in ("val", "test", "train"):
        raise UsageError(f"there is no split '{split}'", did_you_mean(split, ("val", "test", "train")))
    if cv == 1:
        raise UsageError("one fold leaves nothing to train on", "choose 2 or more; 5 is usual")

    from edgetl.pipeline.evaluate import scores as stage
    from edgetl.pipeline.project import Project
    from edgetl.report import evaluation as report

    project = Project.open(run)
    document = stage.evaluate(project, split, model or (), cv)
    report.tell(document)
    console.note(f"{project.run.evaluation_plot} shows what is confused with what, {project.run.evaluation} holds the figures")
    console.result(document)
