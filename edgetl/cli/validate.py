"""`edgetl validate`."""

from typing import TYPE_CHECKING, Annotated

import typer

from edgetl import console
from edgetl.cli.options import Images, Json, RunPath
from edgetl.errors import ParityError

if TYPE_CHECKING:
    from edgetl.evaluation.validation import Validation


def validate(
    run: RunPath = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="N", help="Validate on this many images, spread evenly over the classes; 0: all (default: the recipe's)."
        ),
    ] = None,
    data: Images = "",
    as_json: Json = False,
) -> None:
    """Check that all exported files give the same predictions.

    Compares Keras, LiteRT and ONNX Runtime on the test images, or, where there are none, on the validation images: accuracy, agreement and
    latency. Writes RUN/validation.json. Core ML files cannot be run here and are listed as unverified; the test in the app verifies them.

    Exit codes: 0 all files agree within tolerance; 7 they do not.

    Example:
      edgetl validate runs/flowers --limit 200
    """
    from edgetl.api.runs import opened

    print_verdict(opened(run, for_="validate", data=data).validate(limit=limit))


def print_verdict(document: "Validation") -> None:
    """Print a validation and end with its exit code."""
    from edgetl.report.terminal.validation import print_validation

    print_validation(document)
    console.result(document.to_json())
    if not document.passed:
        console.fail(
            "the models do not agree:\n" + "\n".join(f"  {failure}" for failure in document.failures),
            "details: validation.json in the run",
        )
        raise typer.Exit(ParityError.exit_code)
