"""A Linux board over OpenSSH's own client, which keeps to the user's configuration, keys, agents, jump hosts and host-key checking."""

import re
import shlex
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from edgetl.devices.base import Kind, PythonDevice
from edgetl.devices.process import Surroundings, call
from edgetl.documents import Part
from edgetl.errors import DeviceError, UsageError

_CONNECT_S = 15  # a board that has not answered by then is off, or behind a wall
_COPY_S = 600.0
# Ends what still runs in the folder (ssh's end does not), then removes it.
_CLEAR = 'for one in /proc/[0-9]*; do [ "$(readlink "$one/cwd")" = "$1" ] && kill -9 "${one#/proc/}"; done 2>/dev/null; cd / && rm -rf "$1"'
_TARGET = re.compile(r"(?P<host>(?:\w[\w.-]*@)?(?:\w[\w.-]*|\[[\da-fA-F:]+\]))(?::(?P<port>\d{1,5}))?")
# ssh's own exit messages, and what to do about each.
_ADVICE = (
    ("Host key verification failed", "connect once by hand with ssh, and compare the key that it shows with the board's"),
    ("Permission denied", "put your public key there: ssh-copy-id, or name the key in ~/.ssh/config"),
    ("Could not resolve", "is the name right, and the board on?"),
    ("Connection refused", "is an ssh server running there, on that port?"),
    ("timed out", "is the board on, and reachable from here?"),
    ("No space left", "make room on the board, or name another folder in the devices file (folder = ...)"),
    ("exit code 124", "it did not finish in time: is the board overloaded, or the model too slow for it?"),
    ("exit code 137", "it was killed: is the model too large for the board's memory?"),
    ("not found", "name a Python 3.8 or newer in the devices file (python = ...)"),
)


class SshSettings(Part):
    """Settings of a board in the devices file.

    Args:
        host: [USER@]HOST[:PORT], or a name in ssh's configuration.
        config: ssh's configuration file; None: the user's.
        folder: where the folder for a benchmark is made.
    """

    host: str | None = None
    config: str | None = None
    python: str = "python3"
    folder: str = "/tmp"


class SshDevice(PythonDevice):
    """A folder of our own under `folder` there, over one shared connection."""

    def __init__(self, name: str, host: str, port: str | None, settings: SshSettings) -> None:
        self.name, self.python = name, (settings.python,)
        # The shared connection's socket, under a short name: a path of 104 characters is too long for one.
        self._local = tempfile.TemporaryDirectory(prefix="edgetl-", dir="/tmp")
        options = {
            "BatchMode": "yes",
            "ConnectTimeout": str(_CONNECT_S),
            "ServerAliveInterval": "5",
            "ServerAliveCountMax": "3",
            "ControlMaster": "auto",
            "ControlPath": f"{self._local.name}/%C",
            "ControlPersist": "60",
        }
        self._ssh = ["ssh"]
        if settings.config:
            self._ssh += ["-F", settings.config]
        for option, value in options.items():
            self._ssh += ["-o", f"{option}={value}"]
        if port:
            self._ssh += ["-p", port]
        self._ssh.append(host.replace("[", "").replace("]", ""))
        self._folder = ""
        try:
            made = self._there(["mktemp", "-d", f"{settings.folder}/edgetl-XXXXXXXX"], _CONNECT_S * 2)
            self._folder = made.decode(errors="replace").strip()
        except DeviceError:
            self.close()
            raise

    def push(self, source: Path, name: str) -> None:
        self._there(["sh", "-c", 'cat > "$1"', "sh", f"{self._folder}/{name}"], _COPY_S, source)

    def run(self, command: Sequence[str], timeout_s: float) -> str:
        there = ["sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", self._folder, *command]
        limit = ["timeout", "-k", "5", str(max(1, round(timeout_s)))]  # ends it there, where the end of ssh would not
        return self._there([*limit, *there], timeout_s + _CONNECT_S).decode(errors="replace")

    def pull(self, name: str) -> bytes:
        return self._there(["cat", f"{self._folder}/{name}"], _COPY_S)

    def close(self) -> None:
        with suppress(DeviceError):  # it may be gone, and said so before
            if self._folder:
                self._there(["sh", "-c", _CLEAR, "sh", self._folder], _CONNECT_S)
        with suppress(DeviceError):
            call(self.name, [*self._ssh[:-1], "-O", "exit", self._ssh[-1]], _CONNECT_S)
        self._local.cleanup()

    def _there(self, command: Sequence[str], timeout_s: float, stdin: Path | None = None) -> bytes:
        """Run a command there and return its stdout. It is one string for the user's shell there: each argument is quoted for it."""
        try:
            return call(self.name, [*self._ssh, "--", shlex.join(command)], timeout_s, Surroundings(stdin=stdin))
        except DeviceError as error:
            remedy = next((advice for text, advice in _ADVICE if text in error.problem), error.remedy)
            raise DeviceError(error.problem, remedy) from error


def _open(name: str, target: str, settings: SshSettings) -> SshDevice:
    match = _TARGET.fullmatch(target if settings.host is None else settings.host)
    if not match:
        raise UsageError(f"'{target}' is not [USER@]HOST[:PORT]", "write it as ssh://pi@raspberrypi.local, or ssh://pi@10.0.0.7:2222")
    return SshDevice(name, match.group("host"), match.group("port"), settings)


KIND = Kind(_open, SshSettings, list)
