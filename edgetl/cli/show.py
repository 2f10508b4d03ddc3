"""`edgetl show`."""

from edgetl import console
from edgetl.cli.options import Json, RunPath


def show(run: RunPath = None, as_json: Json = False) -> None:
    """Say what a run is and what it holds.

    Example: edgetl show runs/flowers
    """
    from edgetl.evaluation.validation import Validation
    from edgetl.report.terminal.tables import settings, stages, validation
    from edgetl.run_folder import RunFolder

    opened = RunFolder.open(run)
    record = opened.read()
    validated = Validation.read(opened.validation) if opened.validation.exists() else None
    console.note(f"{opened.path}, made {record.created} with edgetl {record.software['edgetl']}")
    settings(record)
    stages(record)
    if validated:
        validation(validated)
    console.result({"run": str(opened.path)} | record.to_json() | {"validation": validated.to_json() if validated else None})
