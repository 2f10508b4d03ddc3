"""A real Android debug daemon on loopback: Debian's adbd, unpacked beside the system. It is a Linux behind the protocol: no getprop."""

import os
import platform
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from platformdirs import user_cache_path

# adbd cannot be told an address, and asks nobody for a password: this, preloaded, binds it to loopback and refuses vsock.
_LOOPBACK_ONLY = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

int socket(int domain, int type, int protocol) {
  if (domain == AF_VSOCK) { errno = EAFNOSUPPORT; return -1; }
  int (*real)(int, int, int) = dlsym(RTLD_NEXT, "socket");
  return real(domain, type, protocol);
}

int bind(int file, const struct sockaddr *address, socklen_t length) {
  static const unsigned char mapped[16] = {[10] = 0xff, 0xff, 127, 0, 0, 1};
  int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "bind");
  struct sockaddr_storage local;
  memcpy(&local, address, length);
  if (local.ss_family == AF_INET) ((struct sockaddr_in *)&local)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (local.ss_family == AF_INET6) memcpy(&((struct sockaddr_in6 *)&local)->sin6_addr, mapped, 16);
  return real(file, (struct sockaddr *)&local, length);
}
"""
_SUITE = "trixie"  # bookworm has no adbd
_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
_START_S = 30.0


def free_port() -> int:
    """Below the ports that systems hand out by themselves, so that nobody is given it before it is used."""
    for port in random.sample(range(20_000, 30_000), 100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("there is no free port")


def _archive() -> str:
    """The Debian archive that this machine's apt uses."""
    for file in [*sorted(Path("/etc/apt/sources.list.d").glob("*")), Path("/etc/apt/sources.list")]:
        for word in file.read_text(encoding="utf-8").split() if file.is_file() else []:
            if "://" in word and word.rstrip("/").endswith("/debian"):
                return word
    pytest.skip("apt knows no Debian archive here")


def _unpacked() -> Path:
    """The folder with adbd and all its libraries, filled once. Skips where that is impossible."""
    prefix = user_cache_path("edgetl-tests") / f"adbd-{_SUITE}"
    if prefix.is_dir():
        return prefix
    missing = [name for name in ("apt-get", "dpkg", "cc") if not shutil.which(name)]
    if missing or not Path(_KEYS).is_file():
        pytest.skip(f"adbd cannot be had without {', '.join(missing) or _KEYS}")
    prefix.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=prefix.parent) as folder:
        work, filled = Path(folder), Path(folder) / "filled"
        for name in ("lists/partial", "cache/archives/partial", "filled"):
            (work / name).mkdir(parents=True)
        (work / "status").touch()
        (work / "sources.list").write_text(f"deb [signed-by={_KEYS}] {_archive()} {_SUITE} main\n", encoding="utf-8")
        places = {
            "Dir::Etc::SourceList": work / "sources.list",
            "Dir::Etc::SourceParts": work / "none",
            "Dir::State::Lists": work / "lists",
            "Dir::State::status": work / "status",
            "Dir::Cache": work / "cache",
            "APT::Sandbox::User": "root",
        }
        apt = ["apt-get", "-qq", *(word for key, value in places.items() for word in ("-o", f"{key}={value}"))]
        for command in ([*apt, "update"], [*apt, "install", "-y", "--no-install-recommends", "--download-only", "adbd"]):
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
            if done.returncode:
                pytest.skip(f"adbd cannot be downloaded: {done.stderr[-300:]}")
        for package in (work / "cache/archives").glob("*.deb"):
            subprocess.run(["dpkg", "-x", str(package), str(filled)], check=True, timeout=60)
        (work / "loopback_only.c").write_text(_LOOPBACK_ONLY, encoding="utf-8")
        library = ["-shared", "-fPIC", "-o", str(filled / "loopback_only.so"), str(work / "loopback_only.c"), "-ldl"]
        subprocess.run(["cc", *library], check=True, timeout=60)
        if not prefix.exists():  # another test process may have been faster
            filled.rename(prefix)
    return prefix


def _wait_for(port: int) -> None:
    end = time.monotonic() + _START_S
    while True:
        with socket.socket() as there:
            if there.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < end, f"nobody listens on port {port}"
        time.sleep(0.05)


class Daemon:
    """A running adbd, whose programs are those on `path`."""

    def __init__(self, prefix: Path, path: str) -> None:
        self.port = free_port()
        self.serial = f"127.0.0.1:{self.port}"
        libraries = next(prefix.glob(f"usr/lib/{platform.machine()}-linux-gnu*"))
        loader = next(libraries.glob("ld-linux*.so*"))
        command = [str(loader), "--preload", str(prefix / "loopback_only.so"), "--library-path", f"{libraries}:{libraries / 'android'}"]
        self.process = subprocess.Popen(
            [*command, str(prefix / "usr/lib/android-sdk/platform-tools/adbd")],
            env=os.environ | {"ADBD_PORT": str(self.port), "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # inherited as ignored under nohup, and by its programs
        )
        _wait_for(self.port)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def adb_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An adb server of the test's own, which knows no devices yet."""
    if not shutil.which("adb"):
        pytest.skip("there is no adb program")
    port = free_port()
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(port))
    monkeypatch.setenv("ADB_MDNS", "0")  # phones in the neighbourhood are none of ours
    # Not left to the first command: a server that adb starts by itself may outlive its kill-server (seen with version 29).
    server = subprocess.Popen(["adb", "nodaemon", "server"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _wait_for(port)
    yield
    server.kill()
    server.wait()


@pytest.fixture
def start_daemon(adb_server: None) -> Iterator[Callable[..., Daemon]]:
    """Starts an adbd, not connected to yet; it ends with the test."""
    prefix, started = _unpacked(), []

    def start(path: str = os.environ["PATH"]) -> Daemon:
        started.append(Daemon(prefix, path))
        return started[-1]

    yield start
    for daemon in started:
        daemon.kill()


@pytest.fixture
def daemon(start_daemon: Callable[..., Daemon]) -> Daemon:
    return start_daemon()
