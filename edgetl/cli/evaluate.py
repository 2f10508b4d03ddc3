"""`edgetl evaluate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgetl import console
from edgetl.cli.options import Images, Json, RunPath
from edgetl.errors import UsageError

if TYPE_CHECKING:
    from edgetl.api.run import Run


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
    unknown: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Also evaluate on the images below DIR, which show none of the classes; may be repeated."),
    ] = None,
    choose_thresholds: Annotated[
        str,
        typer.Option(
            metavar="per-class|none",
            help="First choose for each class the probability below which an image is unknown, on images that do not measure, and write "
            "it into contract and model files; none: remove those (default: leave them).",
        ),
    ] = "",
    target: Annotated[
        str,
        typer.Option(metavar="best-f1|precision=P", help="Choose for the best F1, or the lowest with this precision (default: best-f1)."),
    ] = "",
    data: Images = "",
    as_json: Json = False,
) -> None:
    """Measure accuracy, per-class metrics and calibration.

    Also measures top-k accuracy, loss and the confusion matrix, all with confidence intervals; of several labels an image mAP, exact match
    and the average precision of each class. Writes evaluation.json and evaluation.png into the run; with --unknown also a folder unknown.

    Example:
      edgetl evaluate runs/flowers --unknown insects/
    """
    from edgetl.api.runs import opened
    from edgetl.report.terminal.evaluation import print_evaluation

    used = opened(run, for_="evaluate", data=data)
    _set_thresholds(used, choose_thresholds, target)
    evaluation = used.evaluate(split=split, models=model or (), folds=cv, unknown=unknown or ())
    print_evaluation(evaluation)
    drawn = "per-class metrics" if evaluation.multi_label else "confusion matrix"
    console.note(f"written: {used.folder.evaluation_plot} ({drawn}), {used.folder.evaluation}")
    console.result(evaluation.to_json())


def _set_thresholds(run: "Run", how: str, target: str) -> None:
    """Choose or remove the thresholds of the classes, or leave them. Raises UsageError."""
    if target and how != "per-class":
        raise UsageError(
            f"--target {target} is what thresholds are chosen by, and none are to be chosen", "add --choose-thresholds per-class"
        )
    if not how:
        return
    if how == "none":
        run.remove_thresholds()
    elif how == "per-class":
        run.choose_thresholds(target or "best-f1")
    else:
        raise UsageError(f"there is no choice '{how}' of thresholds", "choices: per-class, none")
