"""The adb program on this host: where it is, which devices it lists, and which one is meant."""

import shutil
import threading
import time
from contextlib import suppress

from edgetl.devices.process import call, last_lines
from edgetl.errors import DependencyError, DeviceError
from edgetl.registry import did_you_mean
from edgetl.software import install

REPLY_S = 30.0  # for what takes a healthy device well under a second, and adb's own server a few to start
_PLUG_IN = "plug the phone in and allow USB debugging (Settings, Developer options); over Wi-Fi: adb:HOST:PORT"
# The states in which `adb devices` lists a device that cannot be used, and the remedy of each.
_STATES = {
    "unauthorized": "unlock the phone, and allow USB debugging from this computer in the dialogue there",
    "authorizing": "unlock the phone, and allow USB debugging from this computer in the dialogue there",
    "offline": "plug it out and in again, or switch USB debugging off and on; over Wi-Fi: is it on, and in the same network?",
    "no permissions": "let this user reach USB devices: install udev rules for Android, then plug the phone in again",
}
_starting = threading.Lock()  # adb starts its server if need be, and two at once fail


def adb_program() -> str:
    """Return the path of the adb on this host, or else of the one inside the adbutils package. Raises DependencyError."""
    found = shutil.which("adb")
    if found:
        return found
    missing = DependencyError("there is no adb program on this computer", f"{install('android')}; or install Android's platform-tools")
    try:
        import adbutils
    except ImportError as error:
        raise missing from error
    try:
        return str(adbutils.adb_path())
    except adbutils.AdbError as error:  # its wheel for this platform has none
        raise missing from error


def listed() -> dict[str, str]:
    """Return serial -> state of every device that adb knows."""
    try:
        with _starting:
            lines = call("adb", [adb_program(), "devices"], REPLY_S).decode(errors="replace").splitlines()
    except DeviceError as error:
        raise DeviceError(f"adb's own server fails: {error.problem}", "end it, and try again: adb kill-server") from error
    return {serial: state for serial, found, state in (line.partition("\t") for line in lines) if found}


def check_state(name: str, state: str) -> None:
    if state != "device":
        remedy = next((remedy for known, remedy in _STATES.items() if state.startswith(known)), _PLUG_IN)
        raise DeviceError(f"{name} cannot be used: it is {state}", remedy)


def choose(name: str, wanted: str) -> str:
    """Return the serial of the device that is meant. Raises DeviceError."""
    devices, said = listed(), ""
    if ":" in wanted and devices.get(wanted) != "device":
        said = _connect(wanted)
        devices = listed()
    usable = [serial for serial, state in devices.items() if state == "device"] or list(devices)
    if wanted:
        if wanted not in devices:
            raise DeviceError(said or f"there is no Android device '{wanted}'", did_you_mean(wanted, devices) if devices else _PLUG_IN)
        serial = wanted
    elif len(usable) == 1:
        [serial] = usable
    elif usable:
        raise DeviceError(f"there are {len(usable)} Android devices: {', '.join(usable)}", f"name one: adb:{usable[0]}")
    else:
        raise DeviceError("no Android device is connected", _PLUG_IN)
    check_state(name, devices[serial])
    return serial


def _connect(address: str) -> str:
    """Connect over the network; return adb's message, since it exits 0 also when nothing replies."""
    with suppress(DeviceError):  # of a connection that died; mostly there is none
        call("adb", [adb_program(), "disconnect", address], REPLY_S)
    said = call("adb", [adb_program(), "connect", address], REPLY_S).decode(errors="replace")
    for _ in range(10):
        if listed().get(address, "device") in ("device", "unauthorized"):
            break
        time.sleep(0.3)  # it shakes hands
    return last_lines(said)
