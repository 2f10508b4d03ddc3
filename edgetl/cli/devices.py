"""`edgetl devices`."""

import typer

from edgetl import console
from edgetl.cli.options import Json


def devices(as_json: Json = False) -> None:
    """Say which devices can be reached now, what they are, and what is missing for those that cannot.

    Looks at this host, at what is plugged in, and at the names in the devices file.

    Example: edgetl devices
    """
    from edgetl.devices import devices_file
    from edgetl.devices.survey import survey
    from edgetl.errors import DeviceError
    from edgetl.report.benchmark import reachable

    found = survey()
    reachable(found)
    console.note(f"devices file: {devices_file()}")
    console.result(found)
    if not any("error" not in facts for facts in found.values()):
        raise typer.Exit(DeviceError.exit_code)
