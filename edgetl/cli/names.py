"""Names the backbones, formats and whatever else has a name, by kind: for `edgetl list`, and for a shell that completes a name."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgetl.registry import Registry

KINDS = ("backbones", "schemes", "formats", "sources", "runtimes", "devices", "targets", "checks")


def registries() -> "dict[str, Registry]":  # type: ignore[type-arg]
    """Return the registry of each of `KINDS`."""
    from edgetl.backbones import BACKBONES
    from edgetl.data import SOURCES
    from edgetl.devices import KINDS as DEVICES
    from edgetl.diagnosis import CHECKS
    from edgetl.export import FORMATS
    from edgetl.quantization import SCHEMES
    from edgetl.runtimes import RUNTIMES
    from edgetl.ship.targets import TARGETS

    return dict(zip(KINDS, (BACKBONES, SCHEMES, FORMATS, SOURCES, RUNTIMES, DEVICES, TARGETS, CHECKS), strict=True))


def completed(kind: str) -> Callable[[str], list[str]]:
    """Return what completes the beginning of a name of a kind, after a comma too."""

    def complete(incomplete: str) -> list[str]:
        before, comma, begun = incomplete.rpartition(",")
        return [f"{before}{comma}{name}" for name in registries()[kind] if name.startswith(begun)]

    return complete
