"""A terminal into which a test types what a page shows: its commands as they stand, with small data and a small network behind them.

Where the variable TYPED names a file, what the commands print is added to it.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from tests.conftest import ROOT, python_program
from tests.processes import free_ports

LIMIT_S = 1800  # for a block on a busy machine
# What the tests have less of than a reader: images, trials, and machines. Nothing else of a block is changed.
LESS = {
    "--images 260": "--images 120",
    "--trials 12": "--trials 3",
    "trials=12": "trials=3",
    "pretrain cifar10": "pretrain photos/",
    'pretrain("cifar10"': 'pretrain("photos/"',
    "/shared/runs": "runs",
    "pip install -c edgetl/constraints.txt ./edgetl": "edgetl --version",  # tests/test_docker.py and docs/install.md install it
}
# A gate that closes has worked, too: what else than 0 a command may end with. Other work on this machine decides the first.
MAY_END_WITH = {"--baseline": 11, "--max-drop": 9, "doctor flowers/ --strict": 3}
# Any training has the network and the settings of `made`, whatever the page says, and takes seconds.
_SMALLER = """
import json, os, sys
from edgetl import recipe
collected = recipe._collected
network = json.loads(os.environ.get("SMALLER_NETWORK", "{}"))
NETWORK_FILES = (".onnx", ".tflite", ".keras", ".h5")
def smaller(*arguments, **named):
    values = collected(*arguments, **named)
    if not any(arguments):  # the defaults themselves
        return values
    if not values["model"]["weights"].endswith(NETWORK_FILES):  # which bring their own
        values["model"] |= {"backbone": "small_cnn", "alpha": 1.0, "image_size": 32, "weights": "none"} | network
    values["train"] |= {"head_epochs": 2, "epochs": 12, "learning_rate": 1e-2, "batch_size": 16, "again_below": 0, "unfreeze": "all"}
    values["augment"] |= {"flip": False, "crop_min_area": 0.8}
    values["quantize"] |= {"epochs": 1, "calibration_images": 96}
    if values["reject"]["keep"] == "auto" and not values["reject"]["background"]:  # so few images do not teach it: int8 decides otherwise
        values["reject"]["keep"] = 0
    return values
recipe._collected = smaller
"""
_COMMAND = "from edgetl.cli.app import entry\nentry()"
_SCRIPT = "import runpy\nrunpy.run_path(sys.argv[1])"
# Pages that name an operator of their network: their run is trained for them.
NETWORKS = {"quantization": {"backbone": "mobilenet_v2", "alpha": 0.35}}


class Terminal:
    """A shell in a folder, for one page: what a block exports, activates or changes into lasts for the next ones.

    Attributes:
        place: the folder in which it begins.
    """

    def __init__(self, place: Path, programs: Path, page: str) -> None:
        self.place, self._page = place, page
        self._state = programs / "state"
        self._state.write_text(f"cd {shlex.quote(str(place))}\n", encoding="utf-8")
        self._programs = programs / "bin"
        self._programs.mkdir()
        python = shlex.quote(sys.executable)
        texts = {
            "edgetl": python_program(_SMALLER + _COMMAND),
            "python": f'#!/bin/sh\nexec {python} "$@"\n',
            "python3": f'#!/bin/sh\nexec {python} "$@"\n',
            "pip": f'#!/bin/sh\nPIP_NO_INDEX=1 exec {python} -m pip "$@"\n',  # nothing is installed into the tests' own
        }
        for name, text in texts.items():
            (self._programs / name).write_text(text, encoding="utf-8")
            (self._programs / name).chmod(0o755)

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        own = {"PATH": f"{self._programs}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "HOME": str(self._programs.parent)}
        network = {"SMALLER_NETWORK": json.dumps(NETWORKS.get(self._page, {}))}
        return os.environ | own | network | more

    def typed(self, text: str, limit_s: float = LIMIT_S) -> "subprocess.CompletedProcess[str]":
        """Run a block of shell commands, to its end or to the first that fails."""
        text = less(text)
        if "http.server" in text:
            done = self._served(text)
        elif "TF_CONFIG" in text:
            done = self._side_by_side(text, limit_s)
        else:
            done = self._run(text, self._state, limit_s)
        if log := os.environ.get("TYPED"):
            with open(log, "a", encoding="utf-8") as file:
                file.write(f"\n$ {self._page}: {text}\n{done.stdout}\n{done.stderr}\nexit code {done.returncode}\n")
        return done

    def program(self, text: str) -> "subprocess.CompletedProcess[str]":
        """Run a block of Python as a program of its own."""
        (self.place / "script.py").write_text(less(text), encoding="utf-8")
        (self._programs / "smaller.py").write_text(_SMALLER + _SCRIPT, encoding="utf-8")
        return self.typed(f"python {shlex.quote(str(self._programs / 'smaller.py'))} script.py")

    def _run(self, text: str, state: Path, limit_s: float) -> "subprocess.CompletedProcess[str]":
        typed = f'. {shlex.quote(str(self._state))}\n{text}\n{{ export -p; printf "cd %q\\n" "$PWD"; }} > {shlex.quote(str(state))}'
        command = ["bash", "-euo", "pipefail", "-c", typed]
        try:
            return subprocess.run(
                command, cwd=self.place, env=self.environment({}), capture_output=True, text=True, timeout=limit_s, check=False
            )
        except subprocess.TimeoutExpired as late:
            return subprocess.CompletedProcess(command, 124, "", f"took longer than {limit_s} s: {late.stderr!r}")

    def _served(self, text: str) -> "subprocess.CompletedProcess[str]":
        """Start a web server, get its page, and end it."""
        port = free_ports(1)[0]
        command = ["bash", "-euc", f"exec {text.replace('8000', str(port)).strip()}"]
        server = subprocess.Popen(command, cwd=self.place, env=self.environment({}), stderr=subprocess.PIPE, text=True)
        try:
            for _ in range(100):
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as reply:
                        return subprocess.CompletedProcess(command, 0 if b"<html" in reply.read() else 1, "", "its page is no HTML")
                except OSError:
                    time.sleep(0.1)
            return subprocess.CompletedProcess(command, 1, "", "no page in 10 s")
        finally:
            server.terminate()
            server.wait(timeout=60)

    def _side_by_side(self, text: str, limit_s: float) -> "subprocess.CompletedProcess[str]":
        """Type the same on two workers, which are processes here, each with its own number; return the first's end."""
        for host, port in zip(("host0:2222", "host1:2222"), free_ports(2), strict=True):
            assert host in text
            text = text.replace(host, f"127.0.0.1:{port}")
        assert '"index": 0' in text
        typed = (
            f". {shlex.quote(str(self._state))}\n{text.replace(chr(34) + 'index' + chr(34) + ': 0', chr(34) + 'index' + chr(34) + ': 1')}"
        )
        with (self._programs / "second.log").open("w") as log:
            second = subprocess.Popen(["bash", "-euc", typed], cwd=self.place, env=self.environment({}), stdout=log, stderr=log)
            try:
                first = self._run(text, self._programs / "forgotten", limit_s)
                code = second.wait(timeout=60) if first.returncode == 0 else 0
            finally:
                second.kill()
        log_text = (self._programs / "second.log").read_text(encoding="utf-8")
        return first if first.returncode or not code else subprocess.CompletedProcess(first.args, code, "", log_text)


def less(text: str) -> str:
    """Return a block with the tests' fewer images, trials and machines in it."""
    for much, little in LESS.items():
        text = text.replace(much, little)
    return text


def may_end_with(text: str) -> set[int]:
    """Return the exit codes with which a block has done what it is for."""
    return {0, *(code for words, code in MAY_END_WITH.items() if words in text)}


def lay_clone(place: Path) -> None:
    """Lay what a clone of the repository holds into a folder, and an environment as `make` leaves it, for pages that begin in one."""
    for name in ("pyproject.toml", "constraints.txt", "Makefile", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"):
        shutil.copy(ROOT / name, place / name)
    for name in ("benchmarks", "deploy", "docs", "edgetl", "models", "tests"):
        shutil.copytree(ROOT / name, place / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))


def lay_environment(place: Path, programs: Path) -> None:
    """Lay an environment that `make` finds installed: the tests' own, with the small network."""
    (place / ".venv" / "bin").mkdir(parents=True)
    for name in ("edgetl", "python"):
        (place / ".venv" / "bin" / name).symlink_to(programs / "bin" / name)
    for name in ("runtime.stamp", "dev.stamp"):
        (place / ".venv" / name).touch()


def lay_files(place: Path, blocks: "list[tuple[str, str]]") -> None:
    """Lay the files that a page shows (language, text): one whose first line is a comment with its name."""
    for language, text in blocks:
        named = re.match(r"# ([\w.-]+\.toml)\b", text)
        if language == "toml" and named:
            (place / named[1]).write_text(text, encoding="utf-8")
