"""Real faults: signals, full and read-only disks, files that vanish or are cut. Each is a clear error or is mended by the next call."""

import contextlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgetl import lock, log
from edgetl.errors import STOPS
from edgetl.files import sha256
from edgetl.lock import FolderLock
from edgetl.run_folder import RunFolder
from tests.conftest import NAME, CliResult, Made, write_record
from tests.disk import mounted, remount

Cli = Callable[..., CliResult]
TRAIN = ("train", "digits", "--image-size", 32, "--weights", "none", "--batch-size", 128, "--head-epochs", 1, "--epochs", 2, "--no-qat")
TRAIN += ("--set", "augment.flip=false", "--set", "quantize.calibration_images=32", "--set", "quantize.ranges=minmax")
QUICK = (*TRAIN, "--backbone", "small_cnn")
LARGER = (*TRAIN, "--backbone", "mobilenet_v1", "--alpha", 0.25)
HIDDEN, SHOWN = b"\x1b[?25l", b"\x1b[?25h"  # the cursor
PATIENCE_S = 300.0


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "edgetl", *map(str, arguments)]


class Terminal:
    """edgetl in a terminal of its own, where a person watches."""

    def __init__(self, *arguments: object) -> None:
        self.master, self._slave = pty.openpty()
        self.before, self.seen = termios.tcgetattr(self._slave), b""
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("TTY_", "NO_COLOR"))} | {"TERM": "xterm"}
        self.process = subprocess.Popen(
            command(*arguments),
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            env=environment,
            preexec_fn=lambda: (os.setsid(), __import__("fcntl").ioctl(0, termios.TIOCSCTTY, 0)),  # so that its keys become signals
        )

    def read_until(self, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not ready():
            assert time.monotonic() < deadline, self.seen.decode(errors="replace")
            if select.select([self.master], [], [], 0.05)[0]:
                self.seen += os.read(self.master, 65536)

    def press(self, key: bytes) -> None:
        os.write(self.master, key)

    def end(self) -> int:
        self.read_until(lambda: self.process.poll() is not None)
        while select.select([self.master], [], [], 0.2)[0]:
            self.seen += os.read(self.master, 65536)
        return self.process.returncode

    def attributes(self) -> object:
        return termios.tcgetattr(self._slave)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self._slave)


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def open_one(*arguments: object) -> Terminal:
        opened.append(Terminal(*arguments))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


def test_ctrl_c_leaves_the_terminal_and_the_run_in_order(terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    run = tmp_path / "run"
    watched = terminal(*QUICK, "--out", run)
    watched.read_until(lambda: b"reading images" in watched.seen)  # a bar is drawn, the cursor is hidden
    watched.press(b"\x03")
    assert watched.end() == 130, watched.seen.decode(errors="replace")
    assert watched.seen.rfind(SHOWN) > watched.seen.rfind(HIDDEN), "the cursor is back"
    assert watched.attributes() == watched.before
    said = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", watched.seen).decode()
    assert "\nerror: interrupted" in said.replace("\r", ""), "on a line of its own, behind ^C"
    assert "run the same command again to continue" in said
    assert "Traceback" not in said
    assert not list(run.rglob(".partial-*"))
    assert "ended with exit code 130" in (run / log.NAME).read_text(encoding="utf-8")
    assert RunFolder.open(run).read().stages.keys() <= {"data"}
    with FolderLock(run):
        pass  # the lock was given back


def test_sigterm_is_a_clean_stop_that_says_how_to_go_on(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with subprocess.Popen(command(*QUICK, "--out", run, "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + PATIENCE_S
        while not (run / "data.json").exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 143
    assert "run the same command again to continue" in err.decode()
    assert "Traceback" not in err.decode()
    document = json.loads(out)
    assert (document["exit_code"], document["error"]["problem"]) == (143, STOPS[143])
    assert not list(run.rglob(".partial-*"))
    assert not list(run.rglob("float.keras"))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("times", [1, 2])
def test_a_signal_inside_of_tensorflow_waits_for_the_next_step_and_a_second_one_does_not(
    number: int, code: int, times: int, cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import tensorflow as tf

    passed, tracer = [], sys.gettrace()  # of a debugger, or of coverage

    def traced() -> None:
        for _ in range(times):
            signal.raise_signal(number)
            passed.append("the signal")
        passed.append("the end")

    monkeypatch.setattr("edgetl.pipeline.train.stages.train", lambda _: tf.function(traced, autograph=False)())
    outcome = cli(*QUICK, "--out", tmp_path / "run", "--json")
    assert passed == (["the signal", "the end"] if times == 1 else ["the signal"])
    assert outcome.code == outcome.document["exit_code"] == code
    assert "run the same command again" in outcome.err
    assert sys.gettrace() is tracer


def test_an_error_after_a_signal_is_the_stop(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As isinstance called from C++ may make of it."""

    def lose_it(*_: object) -> None:
        with contextlib.suppress(SystemExit):
            signal.raise_signal(signal.SIGTERM)
        raise AttributeError("'dict' object has no attribute '_type_spec'")

    monkeypatch.setattr("edgetl.pipeline.train.stages.train", lose_it)
    assert cli(*QUICK, "--out", tmp_path / "run", "--json").document["exit_code"] == 143


def test_help_documents_how_a_command_is_stopped(cli: Cli) -> None:
    said = " ".join(cli("--help").out.split())
    assert "130 interrupted (Ctrl-C)" in said
    assert "143 terminated (SIGTERM)" in said


@pytest.mark.slow
def test_a_training_on_a_full_disk_stops_and_goes_on_when_there_is_room(cli: Cli, tmp_path: Path) -> None:
    """Wherever the disk fills up: in the index, a checkpoint, the logs, the model, the quantized model."""
    assert cli(*LARGER, "--out", tmp_path / "straight").code == 0
    with mounted(tmp_path / "disk", "100k") as disk:
        for size_kib in (100, 600, 1500, 2500, 3200, 3600, 4000):
            remount(disk, f"size={size_kib}k")
            outcome = cli(*LARGER, "--out", disk / "run")
            assert "Traceback" not in outcome.err
            if outcome.code == 0:
                break
            assert outcome.code == 5, outcome.err
            assert "No space left" in outcome.err
            assert not list(disk.rglob(".partial-*"))
        else:
            remount(disk, "size=20m")
            assert cli(*LARGER, "--out", disk / "run").code == 0
        assert sha256(disk / "run/ptq_int8.npz") == sha256(tmp_path / "straight/ptq_int8.npz")


def test_a_full_disk_loses_nothing_finished(cli: Cli, made: Made, tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "200m") as disk:
        run = disk / "run"
        subprocess.run(["cp", "-r", str(made.run), str(run)], check=True, timeout=60)
        passing = ("run.json", lock.NAME, log.NAME)  # these say when and by whom
        before = {path: sha256(path) for path in run.rglob("*") if path.is_file() and path.name not in passing}
        (run / "export/model_float16.tflite").unlink()
        used = sum(path.stat().st_blocks * 512 for path in disk.rglob("*"))
        remount(disk, f"size={used // 1024 + 16}k")
        outcome = cli("export", run, "--float16")
        assert (outcome.code, "No space left" in outcome.err) == (5, True), outcome.err
        assert "free some space" in outcome.err
        assert "--out" not in outcome.err, "which export does not have"
        remount(disk, "size=200m")
        assert cli("export", run, "--float16").code == 0
        assert {path: sha256(path) for path in before} == before


def test_a_read_only_run_can_be_looked_at_and_not_written(cli: Cli, made: Made, tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "200m") as disk:
        run = disk / "run"
        subprocess.run(["cp", "-r", str(made.run), str(run)], check=True, timeout=60)
        remount(disk, "ro")
        for arguments in (("export", run), ("validate", run), ("bundle", run), ("report", run), ("run", made.recipe, "--out", run)):
            outcome = cli(*arguments)
            assert (outcome.code, "Read-only file system" in outcome.err, "Traceback" in outcome.err) == (5, True, False), outcome.err
            assert "make the folder writable" in outcome.err
        assert cli("show", run).code == 0
        assert cli("bundle", run, "--out", tmp_path / "a.edgetl").code == 0
        remount(disk, "rw")


def test_images_that_vanished_are_named_and_nothing_is_lost(cli: Cli, own_images: Made, tmp_path: Path) -> None:
    run, folder = own_images.run, tmp_path / NAME
    before = RunFolder(run).read().stages
    hidden = folder.rename(tmp_path / "elsewhere")
    for arguments in (("validate", run), ("run", own_images.recipe, "--out", run)):
        outcome = cli(*arguments)
        assert (outcome.code, str(folder) in outcome.err, "Traceback" in outcome.err) == (3, True, False), outcome.err
    hidden.rename(folder)
    assert RunFolder(run).read().stages == before
    assert cli("validate", run, "--limit", 6).code == 0


@pytest.mark.parametrize("name", ["float.keras", "ptq_int8.npz", "contract.json"])
def test_a_cut_file_of_the_training_is_an_error_that_says_what_mends_it(cli: Cli, run_copy: Path, name: str) -> None:
    whole = (run_copy / name).read_bytes()
    (run_copy / name).write_bytes(whole[: len(whole) // 2])
    record = RunFolder(run_copy).read().to_json()
    record["stages"] = {name: stage for name, stage in record["stages"].items() if not name.startswith("export")}
    write_record(run_copy / "run.json", record)
    outcome = cli("export", run_copy, "--int8")
    assert (outcome.code, name in outcome.err, "Traceback" in outcome.err) == (5, True, False), outcome.err


@pytest.mark.slow
def test_a_cut_model_is_trained_again(cli: Cli, made: Made, run_copy: Path) -> None:
    for name in ("float.keras", "qat_int8.npz"):
        whole = (run_copy / name).read_bytes()
        (run_copy / name).write_bytes(whole[: len(whole) // 2])
    assert cli("run", made.recipe, "--out", run_copy).code == 0
    assert sha256(run_copy / "qat_int8.npz") == sha256(made.run / "qat_int8.npz")
    assert sha256(run_copy / "export/model_int8.tflite") == sha256(made.run / "export/model_int8.tflite")


def test_a_clock_that_went_back_makes_no_stage_older(cli: Cli, run_copy: Path) -> None:
    """Stages are told apart by what they were made from, not by when."""
    record = RunFolder(run_copy).read().to_json()
    record["stages"]["float"]["finished"] = "2999-01-01T00:00:00+00:00"
    write_record(run_copy / "run.json", record)
    assert cli("sensitivity", run_copy, "--limit", 6).code == 0
    assert cli("validate", run_copy, "--limit", 6).code == 0


def test_a_run_of_a_newer_version_with_unknown_settings_names_both(cli: Cli, run_copy: Path) -> None:
    record = RunFolder(run_copy).read().to_json()
    record["recipe"]["train"]["telepathy"] = True
    record["software"]["edgetl"] = "7.5"
    write_record(run_copy / "run.json", record)
    outcome = cli("export", run_copy)
    assert outcome.code == 5
    assert all(word in outcome.err for word in ("edgetl 7.5", "train.telepathy"))


def test_a_run_of_an_older_version_gets_the_new_settings_defaults(cli: Cli, run_copy: Path) -> None:
    record = RunFolder(run_copy).read().to_json()
    del record["recipe"]["train"]["temperature_scaling"]
    del record["stages"]["float"]["edgetl"]
    record["software"]["edgetl"] = "0.0.1"
    write_record(run_copy / "run.json", record)
    assert cli("export", run_copy, "--float32").code == 0


@pytest.mark.slow
def test_kills_at_random_moments() -> None:
    """A few of what benchmarks/kills.py does thirty times."""
    script = Path(__file__).resolve().parents[1] / "benchmarks/kills.py"
    done = subprocess.run([sys.executable, str(script), "--rounds", "2"], capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
