"""One writer a folder, and a lock that nobody has to remove."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from edgetl import lock
from edgetl.errors import RunError
from edgetl.lock import FolderLock
from edgetl.pipeline.runs import removable
from edgetl.recipe import load
from edgetl.run_folder import RunFolder
from edgetl.run_record import ValidateFacts
from tests.conftest import CliResult
from tests.disk import mounted

HOLDER = """
import sys, time
from pathlib import Path
from edgetl.lock import FolderLock
with FolderLock(Path(sys.argv[-1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds the lock of `tmp_path`."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, "train", str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_a_second_writer_is_told_who_the_first_is(tmp_path: Path, holder: subprocess.Popen[bytes]) -> None:
    with pytest.raises(RunError, match=rf"is being written by process {holder.pid} on .*edgetl train, since 20"):
        FolderLock(tmp_path).__enter__()
    with pytest.raises(RunError, match="is being written"), RunFolder(tmp_path).writing():
        raise AssertionError


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_lock_of_a_dead_process_is_taken_over(tmp_path: Path, holder: subprocess.Popen[bytes], number: signal.Signals) -> None:
    holder.send_signal(number)
    holder.wait()
    assert str(holder.pid) in (tmp_path / lock.NAME).read_text(encoding="utf-8"), "it could not take its name out"
    with FolderLock(tmp_path):
        pass


def test_a_lock_is_one_objects_and_is_given_back(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with FolderLock(tmp_path), pytest.raises(RunError, match=f"is being written by process {os.getpid()}"), FolderLock(tmp_path / "link"):
        raise AssertionError("the same folder under another name")
    with FolderLock(tmp_path):
        pass


def test_blocks_that_write_in_a_run_may_be_nested(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run", load())
    with run.writing():
        with run.writing():
            run.finish("train", "inputs", 0.0, [], ValidateFacts(passed=True, files={}))
        with pytest.raises(RunError, match="is being written"), RunFolder(run.path).writing():
            raise AssertionError("the inner block's end must not give the lock back")
    with RunFolder(run.path).writing():
        pass


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"process": 1}'])
def test_what_the_file_says_does_not_matter(tmp_path: Path, content: str) -> None:
    (tmp_path / lock.NAME).write_text(content, encoding="utf-8")
    with FolderLock(tmp_path):
        pass
    (tmp_path / lock.NAME).write_text(content, encoding="utf-8")
    with (tmp_path / lock.NAME).open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(RunError, match="another process"):
            FolderLock(tmp_path).__enter__()


def test_a_file_system_without_locks_is_written_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with FolderLock(tmp_path), FolderLock(tmp_path):
        pass


def test_a_full_disk_locks_all_the_same(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "16k") as disk:
        (disk / lock.NAME).touch()
        with suppress(OSError), (disk / "filler").open("wb") as file:
            while True:
                file.write(b"x" * 4096)
                file.flush()
        for _ in range(2):
            with FolderLock(disk):
                pass


def test_a_run_that_is_written_can_be_read_but_not_written(
    cli: Callable[..., CliResult], tmp_path: Path, holder: subprocess.Popen[bytes]
) -> None:
    with pytest.raises(RunError, match="is being written"):
        RunFolder.create(tmp_path, load())
    holder.kill()
    holder.wait()
    run = RunFolder.create(tmp_path, load())
    (tmp_path / ".partial-1-model.tflite").touch()
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert RunFolder.open(tmp_path).read().stages == {}
        with pytest.raises(RunError, match="is being written"):
            run.finish("train", "inputs", 0.0, [], ValidateFacts(passed=True, files={}))
        outcome = cli("report", tmp_path)
        assert (outcome.code, "is being written by process" in outcome.err) == (5, True), outcome.err
        assert "is being written" in removable(run)
        assert (tmp_path / ".partial-1-model.tflite").exists(), "it may be the other's"
        other.kill()
    run.finish("train", "inputs", 0.0, [], ValidateFacts(passed=True, files={}))
    assert not (tmp_path / ".partial-1-model.tflite").exists(), "a killed one's goes"
