"""Where a benchmark runs. A kind of device is one file with a `KIND` and one line here."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from edgetl import files
from edgetl.errors import UsageError
from edgetl.registry import Registry, did_you_mean

if TYPE_CHECKING:
    from edgetl.devices.base import Device, Kind

KINDS: "Registry[Kind]" = Registry(
    "device",
    {
        "local": ("edgetl.devices.local:KIND", "this host"),
        "adb": ("edgetl.devices.adb:KIND", "an Android phone, as adb or adb:SERIAL"),
        "ssh": ("edgetl.devices.ssh:KIND", "a Linux board, as ssh://[USER@]HOST[:PORT]"),
        "browser": ("edgetl.devices.browser:KIND", "Chromium without a window, on this host"),
        "qemu": ("edgetl.devices.qemu:KIND", "an emulated Arm processor, as qemu:cortex-a76: predictions only, no latency"),
    },
)
DEVICES_FILE = "EDGETL_DEVICES"  # environment variable: the user's devices file, if it lies elsewhere


def devices_file() -> Path:
    """Where the user names devices: a TOML table each, with `kind` and what that kind can be told."""
    from platformdirs import user_config_path

    return Path(os.environ.get(DEVICES_FILE) or user_config_path("edgetl") / "devices.toml")


def named() -> dict[str, dict[str, str]]:
    """The tables of the user's devices file, checked. Raises UsageError that says where it is wrong."""
    path = devices_file()
    if not path.is_file():
        return {}
    try:
        tables = files.read_toml(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the devices file {path}: {error}", "mend it, or name another in EDGETL_DEVICES") from error
    for name, table in tables.items():
        where = f"{path}: [{name}]"
        if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()) or "kind" not in table:
            raise UsageError(f"{where} is not a table of texts with a 'kind'", f"kinds: {', '.join(KINDS)}")
        known = KINDS.load(KINDS.check(table["kind"])).settings | {"kind"}
        unknown = [key for key in table if key not in known]
        if unknown:
            raise UsageError(f"{where} has '{unknown[0]}'", did_you_mean(unknown[0], known))
    return tables


def open_device(spec: str) -> "Device":
    """A device by its name in the devices file, or as KIND, KIND:TARGET or KIND://TARGET. Raises UsageError or DeviceError."""
    tables = named()
    settings: Mapping[str, str] = tables.get(spec, {})
    kind, _, target = (settings["kind"], "", "") if settings else spec.partition(":")
    if kind not in KINDS:
        raise UsageError(f"there is no device '{spec}'", did_you_mean(spec, [*tables, *KINDS]))
    return KINDS.load(kind).open(spec, target.removeprefix("//"), settings)
