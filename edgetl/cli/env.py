"""`edgetl env`."""

from edgetl import console
from edgetl.cli.options import Json


def env(as_json: Json = False) -> None:
    """Print what a bug report needs: versions, processor, accelerator. No names, folders, addresses or tokens: it can be pasted as it is.

    Example: edgetl env
    """
    from edgetl.pipeline.environment import environment

    found = environment()
    cpu = found["cpu"]
    shown = found | {
        "cpu": f"{cpu['model']}, {cpu['cores']} cores, {', '.join(cpu['features']) or 'no feature that matters to int8'}",
        "packages": ", ".join(f"{name} {number}" for name, number in found["packages"].items()),
    }
    rows = [[name.replace("_", " "), ", ".join(value) if isinstance(value, list) else value] for name, value in shown.items()]
    console.table("environment", ["what", "is"], rows)
    console.result(found)
