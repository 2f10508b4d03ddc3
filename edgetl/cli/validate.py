"""`edgetl validate`."""

from typing import TYPE_CHECKING, Annotated

import typer

from edgetl import console
from edgetl.cli.options import Json, RunPath
from edgetl.errors import ParityError

if TYPE_CHECKING:
    from edgetl.evaluation.validation import Validation


def validate(
    run: RunPath = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=0, help="Validate on this many images, evenly over the classes; 0: all (default: the recipe's).", show_default=False
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare Keras, LiteRT and ONNX Runtime on the validation images: accuracy, agreement, latency, and a verdict.

    A Core ML file cannot be run here: it is named as unverified, and the app's own test is its proof.

    Exit code 0: all that ought to agree does; 7: it does not. Writes RUN/validation.json.

    Example: edgetl validate --limit 200
    """
    from edgetl.api.runs import opened

    print_verdict(opened(run, for_="validate").validate(limit=limit))


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
