"""`edgetl env`."""

from edgetl import console
from edgetl.cli.options import Json


def env(as_json: Json = False) -> None:
    """Print versions and hardware for a bug report.

    The output holds no names, folders, addresses or tokens: it can be pasted as it is.

    Example:
      edgetl env
    """
    from edgetl.pipeline.environment import environment

    found = environment()
    console.table("environment", ["what", "value"], found.rows())
    console.result(found.model_dump(mode="json"))
