"""`edgetl list`."""

from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.names import KINDS, registry
from edgetl.cli.options import Json
from edgetl.registry import did_you_mean


def list_names(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="List one of: backbones, schemes, formats, sources, runtimes, devices, targets, checks, settings.",
            autocompletion=lambda incomplete: [kind for kind in (*KINDS, "settings") if kind.startswith(incomplete)],
        ),
    ],
    as_json: Json = False,
) -> None:
    """List backbones, formats and other names, or all settings.

    Example:
      edgetl list backbones
    """
    from edgetl.errors import UsageError

    if kind == "settings":
        import tomllib

        from edgetl.recipe import resource

        console.result(tomllib.loads(resource("defaults.toml")), resource("defaults.toml").rstrip())
        return
    if kind not in KINDS:
        raise UsageError(f"there is no list '{kind}'", did_you_mean(kind, [*KINDS, "settings"]))
    named = registry(kind)
    entries = [(name, named.summary(name)) for name in named]
    console.table(kind, ["name", "what it is"], entries)
    console.result([{"name": name, "summary": summary} for name, summary in entries])
