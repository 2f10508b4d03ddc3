"""Names the backbones, formats and whatever else has a name, by kind: for `edgetl list`, and for a shell that completes a name."""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgetl.registry import Registry

_REGISTRIES = {
    "backbones": "edgetl.backbones:BACKBONES",
    "schemes": "edgetl.quantization:SCHEMES",
    "formats": "edgetl.export:FORMATS",
    "sources": "edgetl.data:SOURCES",
    "runtimes": "edgetl.runtimes:RUNTIMES",
    "devices": "edgetl.devices:KINDS",
    "targets": "edgetl.ship.targets:TARGETS",
    "checks": "edgetl.diagnosis:CHECKS",
}
KINDS = tuple(_REGISTRIES)


def registry(kind: str) -> "Registry[Any]":
    """Return the registry of one of `KINDS`."""
    module, _, name = _REGISTRIES[kind].partition(":")
    found: Registry[Any] = getattr(import_module(module), name)
    return found


def completed(kind: str) -> Callable[[str], list[str]]:
    """Return what completes the beginning of a name of a kind, after a comma too."""

    def complete(incomplete: str) -> list[str]:
        before, comma, begun = incomplete.rpartition(",")
        return [f"{before}{comma}{name}" for name in registry(kind) if name.startswith(begun)]

    return complete
