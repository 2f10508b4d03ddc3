"""`edgetl show`."""

from edgetl import console
from edgetl.cli.options import Json, RunPath
from edgetl.errors import RunError


def show(run: RunPath = None, as_json: Json = False) -> None:
    """Show the settings, stages and validation of a run.

    Example:
      edgetl show runs/flowers
    """
    from edgetl.api.runs import opened as opened_run
    from edgetl.evaluation.validation import Validation
    from edgetl.report.terminal.run import print_settings, print_stages
    from edgetl.report.terminal.validation import print_validation

    opened = opened_run(run, for_="show").folder
    record = opened.read()
    validated = None
    try:
        validated = Validation.of(opened)
    except RunError as error:
        if opened.validation.exists():
            console.warn(f"its validation is not shown: {error.problem}; {error.remedy}")
    console.note(f"{opened.path}, made {record.created} with edgetl {record.edgetl}")
    print_settings(record)
    print_stages(record)
    if validated:
        print_validation(validated)
    console.result({"run": str(opened.path)} | record.to_json() | {"validation": validated.to_json() if validated else None})
