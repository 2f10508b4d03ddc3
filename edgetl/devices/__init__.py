"""The devices that a benchmark runs on. A kind of device is one file with a `KIND` and one line here."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgetl import files
from edgetl.errors import UsageError
from edgetl.registry import Registry, did_you_mean

if TYPE_CHECKING:
    from edgetl.devices.base import Device, Kind
    from edgetl.documents import Part

KINDS: "Registry[Kind]" = Registry(
    "device",
    {
        "local": ("edgetl.devices.local:KIND", "this computer"),
        "adb": ("edgetl.devices.adb:KIND", "an Android phone, as adb or adb:SERIAL"),
        "ssh": ("edgetl.devices.ssh:KIND", "a Linux board, as ssh://[USER@]HOST[:PORT]"),
        "browser": ("edgetl.devices.browser:KIND", "Chromium without a window, on this computer"),
        "qemu": ("edgetl.devices.qemu:KIND", "an emulated Arm processor, as qemu:cortex-a76: predictions only, no latency"),
        "vela": ("edgetl.devices.vela:KIND", "an Ethos-U NPU as Arm's compiler estimates it, as vela:ethos-u55-128; in the extra mcu"),
        "tflm": ("edgetl.devices.tflm:KIND", "any microcontroller: the memory that a model takes, and no latency; in the extra mcu"),
    },
)
LOCAL = KINDS.first  # this computer: the device that is always there
DEVICES_FILE = "EDGETL_DEVICES"  # environment variable: the user's devices file, if it lies elsewhere


@dataclass(frozen=True)
class NamedDevice:
    """A table of the user's devices file; the settings are of the type that the kind takes."""

    kind: str
    settings: "Part"


def devices_file() -> Path:
    """Return the path of the file where the user names devices: a TOML table each, with `kind` and settings of that kind.

    Raises UsageError where EDGETL_DEVICES names one that is not there.
    """
    from platformdirs import user_config_path

    return files.place_in(DEVICES_FILE, file=True) or user_config_path("edgetl") / "devices.toml"


def named() -> dict[str, NamedDevice]:
    """Return the devices that the user's devices file names. Raises UsageError that says where it is wrong."""
    path = devices_file()
    if not path.is_file():
        return {}
    try:
        tables = files.read_toml(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the devices file {path}: {error}", "correct it, or name another file in EDGETL_DEVICES") from error
    found = {}
    for name, table in tables.items():
        where = f"{path}: [{name}]"
        if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()) or "kind" not in table:
            raise UsageError(f"{where} is not a table of strings with a 'kind'", f"kinds: {', '.join(KINDS)}")
        kind = KINDS.check(table.pop("kind"))
        settings = KINDS.load(kind).settings
        unknown = [key for key in table if key not in settings.model_fields]
        if unknown:
            raise UsageError(f"{where} has '{unknown[0]}'", did_you_mean(unknown[0], ["kind", *settings.model_fields]))
        found[name] = NamedDevice(kind, settings(**table))
    return found


def open_device(spec: str) -> "Device":
    """Open a device by its name in the devices file, or as KIND, KIND:TARGET or KIND://TARGET. Raises UsageError or DeviceError."""
    known = named()
    if spec in known:
        return KINDS.load(known[spec].kind).open(spec, "", known[spec].settings)
    name, _, target = spec.partition(":")
    if name not in KINDS:
        raise UsageError(f"there is no device '{spec}'", did_you_mean(spec, [*known, *KINDS]))
    kind = KINDS.load(name)
    return kind.open(spec, target.removeprefix("//"), kind.settings())
