"""`edgetl devices`."""

import typer

from edgetl import console
from edgetl.cli.options import Json


def devices(as_json: Json = False) -> None:
    """List the devices that can be reached now.

    Looks at this computer, at what is plugged in, and at the names in the devices file. Where a device cannot be used, prints what is
    missing.

    Example:
      edgetl devices
    """
    from dataclasses import asdict

    from edgetl.devices import devices_file
    from edgetl.devices.survey import survey
    from edgetl.errors import DeviceError, Failure
    from edgetl.report.terminal.benchmark import show_devices

    found = survey()
    show_devices(found)
    console.note(f"devices file: {devices_file()}")
    results = {name: {"failure": asdict(one)} if isinstance(one, Failure) else {"facts": one.model_dump()} for name, one in found.items()}
    console.result(results)
    if all(isinstance(one, Failure) for one in found.values()):
        raise typer.Exit(DeviceError.exit_code)
