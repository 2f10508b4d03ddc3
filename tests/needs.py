"""What a block of a page may need that not every machine has: a fixed list, and for each a look at whether it is here."""

import functools
import importlib.util
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

_LIMIT_S = 20


def _says_yes(*command: str) -> bool:
    if shutil.which(command[0]) is None:
        return False
    try:
        return subprocess.run(command, capture_output=True, timeout=_LIMIT_S, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _packages_can_be_fetched() -> bool:
    """Ask the index that pip asks for pip itself."""
    asked = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    index = subprocess.run(asked, capture_output=True, text=True, timeout=_LIMIT_S, check=False).stdout.strip()
    index = os.environ.get("PIP_INDEX_URL") or index or "https://pypi.org/simple"
    try:
        with urllib.request.urlopen(f"{index.rstrip('/')}/pip/", timeout=_LIMIT_S) as reply:
            return bool(reply.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _graphics_processors() -> int:
    return len(list(Path("/dev").glob("nvidia[0-9]*")))


def _chromium() -> bool:
    from edgetl.devices.browser import find_chromium

    return bool(find_chromium() and importlib.util.find_spec("playwright"))


def _qemu() -> bool:
    """What benchmarks/arm64_root.sh makes: where edgetl looks, or where the tests make it."""
    from platformdirs import user_cache_path

    return bool(os.environ.get("EDGETL_ARM64_ROOT")) or (user_cache_path("edgetl") / "arm64").exists()


# Each names one thing, as the page's comment does: <!-- needs: npm, a network -->.
NEEDS: dict[str, Callable[[], bool]] = {
    "Chromium": _chromium,
    "Docker": lambda: _says_yes("docker", "info"),
    "PyTorch": lambda: importlib.util.find_spec("torchvision") is not None,
    "Windows": lambda: shutil.which("wsl") is not None,
    "a GPU": lambda: _graphics_processors() > 0 or any(Path("/dev/dri").glob("renderD*")),
    "a board": lambda: _says_yes("ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "pi@raspberrypi.local", "true"),
    "a bucket": lambda: "GOOGLE_APPLICATION_CREDENTIALS" in os.environ,
    "a cluster": lambda: _says_yes("kubectl", "cluster-info"),
    "a network": _packages_can_be_fetched,
    "a phone": lambda: _says_yes("adb", "get-state"),
    "npm": lambda: shutil.which("npm") is not None,
    "qemu": _qemu,
    "several GPUs": lambda: _graphics_processors() > 1,
}


@functools.cache
def is_here(need: str) -> bool:
    """Return whether this machine has it."""
    return NEEDS[need]()
