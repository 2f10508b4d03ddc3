"""A system without /proc, /sys and a choice of cores, as macOS is: simulated, since none is here."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from edgetl.devices.browser import _end_all_in
from tests.conftest import Made

# What Python has on Linux only is gone, and so are Linux' folders of facts. Native code still sees them.
WITHOUT = """
import builtins, io, os, pathlib, platform, sys
for name in ("sched_getaffinity", "sched_setaffinity"): delattr(os, name)
gone = ("/proc", "/sys")
def without(function):
    def call(path, *arguments, **named):
        if str(path).startswith(gone): raise FileNotFoundError(2, "No such file or directory", str(path))
        return function(path, *arguments, **named)
    return call
io.open = builtins.open = without(builtins.open)
for name in ("stat", "scandir", "listdir"): setattr(os, name, without(getattr(os, name)))
pathlib.os = os
platform.system, platform.processor = lambda: "Darwin", lambda: "arm"
"""


@pytest.fixture
def macos(tmp_path: Path) -> dict[str, str]:
    """The variables of a process that starts on such a system."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(WITHOUT, encoding="utf-8")
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), *filter(None, [os.environ.get("PYTHONPATH", "")])])}


@pytest.mark.parametrize(
    "arguments",
    [
        ("env", "--json"),
        ("validate", "RUN", "--json"),
        ("benchmark", "RUN", "--runs", "3", "--accuracy", "4", "--json"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_commands_work(macos: dict[str, str], run_copy: Path, arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "edgetl", *(str(run_copy) if one == "RUN" else one for one in arguments)]
    done = subprocess.run(command, env=macos, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    if arguments[0] == "benchmark":
        measured = document["results"][0]["measurement"]
        assert measured["cpus"] is None
        assert measured["peak_memory_bytes"] > 10e3  # what is bytes there are KiB here


def test_cores_that_cannot_be_chosen_are_an_error(macos: dict[str, str], made: Made, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edgetl", "benchmark", made.run, "--cpu-mask", "0x1", "--runs", "1", "--out", tmp_path / "out"]
    done = subprocess.run(list(map(str, command)), env=macos, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode != 0
    assert "leave --cpu-mask out" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_browser_that_hangs_is_found_without_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tempfile.mkdtemp()
    monkeypatch.setattr(Path, "exists", lambda path: not str(path).startswith("/proc"))
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", folder]) as program:
        _end_all_in(folder)
        assert program.wait(timeout=10) == -9
