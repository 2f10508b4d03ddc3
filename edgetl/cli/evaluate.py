"""`edgetl evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import Images, Json, RunPath


def evaluate(
    run: RunPath = None,
    split: Annotated[
        str,
        typer.Option(metavar="val|test|train", help="Evaluate on the images of this split (default: test where there is one, else val)."),
    ] = "",
    model: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Evaluate this exported file, such as model_int8.onnx; may be repeated (default: int8 and float32)."
        ),
    ] = None,
    cv: Annotated[
        int,
        typer.Option(min=0, metavar="K", help="Also cross-validate the head in K folds of the training and validation images; 0: do not."),
    ] = 0,
    data: Images = "",
    as_json: Json = False,
) -> None:
    """Measure accuracy, per-class metrics and calibration.

    Also measures top-k accuracy, loss and the confusion matrix, all with confidence intervals. Writes RUN/evaluation.json and
    RUN/evaluation.png.

    Example:
      edgetl evaluate runs/flowers --split test --cv 5
    """
    from edgetl.api.runs import opened
    from edgetl.report.terminal.evaluation import print_evaluation

    used = opened(run, for_="evaluate", data=data)
    evaluation = used.evaluate(split=split, models=model or (), folds=cv)
    print_evaluation(evaluation)
    console.note(f"written: {used.folder.evaluation_plot} (confusion matrix), {used.folder.evaluation}")
    console.result(evaluation.to_json())
