"""A Linux board over ssh: a real client and a real server on loopback."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from edgetl.devices import open_device
from edgetl.errors import DeviceError, UsageError
from tests.conftest import CliResult
from tests.devices.conftest import RUNTIMES, Models, Server
from tests.processes import free_ports

Toml = Callable[[str], None]


@pytest.fixture
def board(sshd: Server, devices_toml: Toml) -> Toml:
    """Write a devices file whose `board` is the server, with these further lines."""
    return lambda more="": devices_toml(
        f"[board]\nkind = 'ssh'\nhost = 'board'\nconfig = {json.dumps(str(sshd.config()))}\npython = {json.dumps(sys.executable)}\n{more}"
    )


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_it_probes_and_measures(board: Toml, models: Models, runtime: str) -> None:
    board()
    with closing(open_device("board")) as device:
        facts = device.probe()
        assert facts.runtimes[runtime]
        reply = device.measure(models.job(runtime))
    assert len(reply.measurement.samples_ms) == 5
    np.testing.assert_array_equal(np.float32(reply.predictions), models.expected(runtime))


def test_names_are_data_and_nothing_is_left(sshd: Server, devices_toml: Toml, models: Models, tmp_path: Path) -> None:
    """A folder and a Python whose names a shell would take for commands."""
    folder, python = tmp_path / "a 'b; $(touch x) \"c", tmp_path / "my py'; touch y"
    folder.mkdir()
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    lines = [f"config = {json.dumps(str(sshd.config()))}", f"folder = {json.dumps(str(folder))}", f"python = {json.dumps(str(python))}"]
    devices_toml("\n".join(["[board]", "kind = 'ssh'", "host = 'board'", *lines]))
    with closing(open_device("board")) as device:
        assert len(list(folder.iterdir())) == 1
        device.measure(models.job("litert"))
        assert device.run(["printf", "%s", "$(id); 'x'"], 10) == "$(id); 'x'"
    assert not list(folder.iterdir())
    assert {path.name for path in tmp_path.iterdir()} == {folder.name, python.name, "devices.toml"}


@pytest.fixture(autouse=True)
def _named(board: Toml) -> None:
    board()


def _failure(spec: str = "board") -> DeviceError:
    with pytest.raises(DeviceError) as caught:
        open_device(spec).close()
    return caught.value


@pytest.mark.parametrize(
    ("changes", "problem", "remedy"),
    [
        ({"IdentityFile": "{folder}/stranger"}, "Permission denied", "ssh-copy-id"),
        ({"UserKnownHostsFile": "/dev/null"}, "Host key verification failed", "compare the key"),
        ({"Port": "{closed}"}, "Connection refused", "ssh server running"),
        ({"HostName": "no-such-board.invalid"}, "Could not resolve", "name right"),
    ],
)
def test_who_is_not_reached_is_told_why(sshd: Server, devices_toml: Toml, changes: dict[str, str], problem: str, remedy: str) -> None:
    changes = {key: value.format(folder=sshd.folder, closed=free_ports(1)[0]) for key, value in changes.items()}
    devices_toml(f"[board]\nkind = 'ssh'\nhost = 'board'\nconfig = {json.dumps(str(sshd.config(**changes)))}\n")
    error = _failure()
    assert problem in error.problem
    assert remedy in error.remedy
    assert error.exit_code == 10


@pytest.mark.parametrize("target", ["ssh://-oProxyCommand=x", "ssh://a b", "ssh://host;id", "ssh://", "ssh://me@host:port"])
def test_a_target_is_no_option(target: str) -> None:
    with pytest.raises(UsageError, match="is not"):
        open_device(target)


def test_a_board_without_python_gets_advice(board: Toml, models: Models) -> None:
    text = Path(os.environ["EDGETL_DEVICES"]).read_text(encoding="utf-8").replace(json.dumps(sys.executable), '"/nowhere/python3"')
    Path(os.environ["EDGETL_DEVICES"]).write_text(text, encoding="utf-8")
    with closing(open_device("board")) as device, pytest.raises(DeviceError, match="/nowhere/python3") as caught:
        device.measure(models.job("litert"))
    assert "devices file" in caught.value.remedy


def test_a_full_disk_is_said_and_left_clean(board: Toml, models: Models, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(small)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here (it takes root)")
    try:
        board(f"folder = {json.dumps(str(small))}\n")
        with closing(open_device("board")) as device, pytest.raises(DeviceError, match="No space left") as caught:
            device.measure(models.job("litert"))
        assert "make room" in caught.value.remedy
        assert not list(small.iterdir())
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_what_hangs_there_is_ended_there() -> None:
    with closing(open_device("board")) as device:
        with pytest.raises(DeviceError) as caught:
            device.run(["sh", "-c", "echo $$ > pid; exec sleep 300"], 1)
        assert "did not finish in time" in caught.value.remedy
        pid = int(device.pull("pid"))
        assert not Path(f"/proc/{pid}").exists()


def test_a_board_that_vanishes_is_an_error_and_others_keep_their_results(
    sshd: Server, cli: Callable[..., CliResult], models: Models, tmp_path: Path
) -> None:
    """The server is killed while a long job runs; this host's figures are there, the exit code says that one failed."""
    killer = threading.Thread(target=_kill_when_busy, args=(sshd,))
    killer.start()
    outcome = cli(
        "benchmark", models.paths["litert"], "--device", "board", "--device", "local", "--duration", 4, "--json", "--out", tmp_path
    )
    killer.join()
    sshd.start()
    assert outcome.code == 10, outcome.err
    by_device = {result["device"]: result for result in outcome.document["results"]}
    assert by_device["local"]["measurement"]["latency_ms"]["p50"] > 0
    assert by_device.get("board", outcome.document["devices"]["board"])["failure"]
    assert (tmp_path / "benchmark.json").is_file()
    assert open_device("board").close() is None, "the next call finds the board again"


def _kill_when_busy(server: Server) -> None:
    for _ in range(600):
        running = subprocess.run(["pgrep", "-f", "runner.py run job.json"], capture_output=True, text=True, check=False).stdout.split()
        if len(running) >= 2:  # this host's, and the board's (with its shells)
            time.sleep(1)
            break
        time.sleep(0.1)
    server.stop()


def test_ctrl_c_ends_all_and_leaves_nothing(sshd: Server, devices_toml: Toml, models: Models, tmp_path: Path) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir()
    here.mkdir()
    settings = {"kind": "ssh", "host": "board", "config": sshd.config(), "folder": there, "python": sys.executable}
    devices_toml("\n".join(["[board]", *(f"{key} = {json.dumps(str(value))}" for key, value in settings.items())]))
    command = [sys.executable, "-m", "edgetl", "benchmark", models.paths["litert"], *("--device", "board", "--device", "local")]
    program = subprocess.Popen([*command, "--duration", "300"], env=os.environ | {"TMPDIR": str(here)}, stderr=subprocess.PIPE, text=True)
    patience = time.monotonic() + 90
    while len(_working_in(there, here)) < 2 and time.monotonic() < patience:
        time.sleep(0.2)
    both = len(_working_in(there, here)) == 2
    program.send_signal(signal.SIGINT)
    _, said = program.communicate(timeout=240)
    assert both, said
    assert program.returncode == 130, said
    assert "interrupted" in said
    assert not _working_in(there, here)
    assert not list(there.iterdir())
    assert not list(here.glob("edgetl-*"))


def _working_in(*folders: Path) -> list[int]:
    """The runners that measure in a folder of these."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            place, command = Path(os.readlink(process / "cwd")), (process / "cmdline").read_bytes()
        except OSError:
            continue
        if b"job.json" in command and command.split(b"\0")[0].endswith(b"python") and any(folder in place.parents for folder in folders):
            found.append(int(process.name))
    return found
