"""A Linux board over OpenSSH's own client: the user's configuration, keys, agents, jump hosts and host-key checking hold as they are."""

import re
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from edgetl.devices.base import Kind, PythonDevice
from edgetl.devices.process import call
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


class SshDevice(PythonDevice):
    """A folder of our own under /tmp (or `folder`) there, over one shared connection."""

    def __init__(self, name: str, host: str, port: str | None, settings: Mapping[str, str]) -> None:
        self.name, self.python = name, (settings.get("python", "python3"),)
        # The shared connection's socket, under a short name: a path of 104 characters is too long for one.
        self._local = tempfile.TemporaryDirectory(prefix="edgetl-", dir="/tmp")
        options = [
            *("-o", "BatchMode=yes", "-o", f"ConnectTimeout={_CONNECT_S}", "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3"),
            *("-o", "ControlMaster=auto", "-o", f"ControlPath={self._local.name}/%C", "-o", "ControlPersist=60"),
        ]
        config = ["-F", settings["config"]] if "config" in settings else []
        self._ssh = ["ssh", *config, *options, *(["-p", port] if port else []), host.replace("[", "").replace("]", "")]
        self._folder = ""
        try:
            self._folder = (
                self._there(["mktemp", "-d", f"{settings.get('folder', '/tmp')}/edgetl-XXXXXXXX"], _CONNECT_S * 2).decode().strip()
            )
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
        """A remote command is one string for the user's shell there: each argument is quoted for it."""
        try:
            return call(self.name, [*self._ssh, "--", shlex.join(command)], timeout_s, stdin=stdin)
        except DeviceError as error:
            remedy = next((advice for text, advice in _ADVICE if text in error.problem), error.remedy)
            raise DeviceError(error.problem, remedy) from error


def _open(name: str, target: str, settings: Mapping[str, str]) -> SshDevice:
    match = _TARGET.fullmatch(settings.get("host", target))
    if not match:
        raise UsageError(f"'{target}' is not [USER@]HOST[:PORT]", "write it as ssh://pi@raspberrypi.local, or ssh://pi@10.0.0.7:2222")
    return SshDevice(name, match["host"], match["port"], settings)


KIND = Kind(_open, frozenset({"host", "config", "python", "folder"}), list)
