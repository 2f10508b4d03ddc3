"""`edgetl list`."""

from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import Json
from edgetl.registry import Registry, did_you_mean


def _registries() -> dict[str, Registry]:  # type: ignore[type-arg]
    from edgetl.backbones import BACKBONES
    from edgetl.data import SOURCES
    from edgetl.devices import KINDS
    from edgetl.diagnosis import CHECKS
    from edgetl.export import FORMATS
    from edgetl.quantization import SCHEMES
    from edgetl.runtimes import RUNTIMES
    from edgetl.ship.targets import TARGETS

    return {
        "backbones": BACKBONES,
        "schemes": SCHEMES,
        "formats": FORMATS,
        "sources": SOURCES,
        "runtimes": RUNTIMES,
        "devices": KINDS,
        "targets": TARGETS,
        "checks": CHECKS,
    }


def list_names(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND", help="List one of: backbones, schemes, formats, sources, runtimes, devices, targets, checks, settings."
        ),
    ],
    as_json: Json = False,
) -> None:
    """List backbones, formats and other names, or all settings.

    Example:
      edgetl list backbones
    """
    from edgetl.errors import UsageError

    registries = _registries()
    if kind == "settings":
        import tomllib

        from edgetl.recipe import resource

        console.result(tomllib.loads(resource("defaults.toml")), resource("defaults.toml").rstrip())
        return
    if kind not in registries:
        raise UsageError(f"there is no list '{kind}'", did_you_mean(kind, [*registries, "settings"]))
    entries = [(name, registries[kind].summary(name)) for name in registries[kind]]
    console.table(kind, ["name", "what it is"], entries)
    console.result([{"name": name, "summary": summary} for name, summary in entries])
