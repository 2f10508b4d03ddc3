"""Under a final name there is a whole file or none, and a stage counts as done only while its files are those it wrote."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from edgetl.contract import Contract
from edgetl.errors import RunError
from edgetl.files import atomic, fingerprint
from edgetl.recipe import load
from edgetl.run_folder import RunFolder
from edgetl.run_record import DataFacts, FloatFacts, ValidateFacts
from tests.conftest import write_record

KILLED_WRITER = """
import os, signal, sys
from pathlib import Path
from edgetl.files import atomic
with atomic(Path(sys.argv[1])) as temporary:
    temporary.write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""

RECIPE = load()
CONTRACT = Contract.square(8, 1 / 127.5, 128, ("Käfer", "Biene"))
VALIDATED = ValidateFacts(passed=True, files={})


def kill_while_writing(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED_WRITER, str(path)], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL


def partials(folder: Path) -> list[Path]:
    return list(folder.rglob(".partial-*"))


def test_a_file_appears_whole_in_folders_made_for_it(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "model.onnx"
    with atomic(path) as temporary:
        assert temporary.suffix == ".onnx", "some writers choose the format by it"
        temporary.write_bytes(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert not partials(tmp_path)


def test_a_failure_inside_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), atomic(path) as temporary:
        temporary.write_bytes(b"half")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old"
    assert not partials(tmp_path)


def test_a_killed_writer_leaves_the_old_file_and_the_next_run_cleans_up(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run", RECIPE)
    model = run.export / "model.tflite"
    with atomic(model) as temporary:
        temporary.write_bytes(b"old")
    kill_while_writing(model)
    assert model.read_bytes() == b"old"
    assert partials(run.path)
    RunFolder.create(run.path, RECIPE)
    assert not partials(run.path)
    assert model.read_bytes() == b"old"


def test_a_run_killed_in_its_first_write_can_be_made_again(tmp_path: Path) -> None:
    """All that it leaves is its own partial file: that must not make the folder a stranger's."""
    kill_while_writing(RunFolder(tmp_path / "run").record)
    assert not RunFolder(tmp_path / "run").record.exists()
    RunFolder.create(tmp_path / "run", RECIPE)
    assert not partials(tmp_path)


def test_a_place_that_cannot_be_written_is_a_run_error(tmp_path: Path) -> None:
    """Below a file, since tests may run as root, whom a read-only folder does not stop."""
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot write"):
        CONTRACT.write(tmp_path / "file" / "x.json")
    with pytest.raises(RunError):
        RunFolder.create(tmp_path / "file" / "run", RECIPE)
    with pytest.raises(RunError, match="cannot write"):
        CONTRACT.write(tmp_path / ("x" * 300))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_a_run_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(RunError, match="--out"):
        RunFolder.create(tmp_path / "run", RECIPE)


def test_another_recipe_in_a_run_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = RunFolder.create(tmp_path / "run", RECIPE)
    other = load(settings=["model.weights=none", "track.mlflow=sqlite:///x"])
    RunFolder.create(run.path, other)
    assert caplog.text == "", "nothing was made yet"
    run.finish("validate", "x", time.monotonic(), [], VALIDATED)
    RunFolder.create(run.path, other)
    assert caplog.text == ""
    RunFolder.create(run.path, RECIPE)
    assert "model.weights imagenet instead of none" in caplog.text
    assert "mlflow" not in caplog.text
    assert "another --out keeps both" in caplog.text


def test_a_run_is_not_made_over_somebodys_files(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(RunError, match="is not a run"):
        RunFolder.create(tmp_path, RECIPE)
    with pytest.raises(RunError, match="is not a run"):
        RunFolder.create(tmp_path / "thesis.txt", RECIPE)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_empty_folder_may_become_a_run(tmp_path: Path) -> None:
    assert RunFolder.create(tmp_path, RECIPE).read().recipe == RECIPE


def test_creating_again_keeps_what_is_finished(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, RECIPE)
    created = run.read().created
    run.finish("train", "inputs", time.monotonic(), [], VALIDATED)
    RunFolder.create(tmp_path, load(settings=["train.seed=2"]))
    assert run.read().created == created
    assert run.read().recipe.train.seed == 2
    assert run.facts("train", ValidateFacts) == VALIDATED


@pytest.fixture
def finished(tmp_path: Path) -> RunFolder:
    run = RunFolder.create(tmp_path / "run", RECIPE)
    for name in ("a.tflite", "b.onnx"):
        with atomic(run.export / name) as temporary:
            temporary.write_bytes(name.encode())
    run.finish("export", "inputs", time.monotonic(), [run.export / "a.tflite", run.export / "b.onnx"], VALIDATED)
    return run


def test_a_finished_stage_is_done_for_the_same_inputs_only(finished: RunFolder) -> None:
    assert finished.is_done("export", "inputs")
    assert not finished.is_done("export", "other inputs")
    assert not finished.is_done("train", "inputs")


def test_a_changed_or_missing_file_undoes_a_stage(finished: RunFolder) -> None:
    """Same size, same time: only the hash tells."""
    path = finished.export / "a.tflite"
    before = path.stat()
    path.write_bytes(b"A.tflite")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not finished.is_done("export", "inputs")
    path.write_bytes(b"a.tflite")
    assert finished.is_done("export", "inputs")
    path.unlink()
    assert not finished.is_done("export", "inputs")


def test_a_moved_run_is_still_done(finished: RunFolder, tmp_path: Path) -> None:
    """Paths in the record are relative to the run."""
    moved = finished.path.rename(tmp_path / "elsewhere")
    assert RunFolder.open(moved).is_done("export", "inputs")


def test_an_unfinished_stage_says_how_to_go_on(finished: RunFolder) -> None:
    with pytest.raises(RunError, match="has not finished its 'train' stage"):
        finished.stage("train")
    with pytest.raises(RunError, match="has not finished its 'train' stage"):
        finished.facts("train", ValidateFacts)


def test_threads_write_one_after_the_other(finished: RunFolder) -> None:
    inside, most = [0], []

    def write() -> None:
        with finished.writing(), finished.writing():
            inside[0] += 1
            most.append(inside[0])
            time.sleep(0.01)
            inside[0] -= 1

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1]


def test_facts_of_another_kind_of_stage_are_a_run_error(finished: RunFolder) -> None:
    with pytest.raises(RunError, match=r"'export' of run\.json has the facts of a stage 'validate'"):
        finished.facts("export", DataFacts)


def test_a_record_of_another_version_names_both(tmp_path: Path) -> None:
    record = {"schema_version": 2, "software": {"edgetl": "7.5"}, "stages": {}}
    write_record(tmp_path / "run.json", record)
    with pytest.raises(RunError, match=r"schema version 2, made with edgetl 7\.5; this is edgetl .* reads version 1"):
        RunFolder.open(tmp_path)
    with pytest.raises(RunError, match="use the edgetl version that made this run"):
        RunFolder.create(tmp_path, RECIPE)
    assert json.loads((tmp_path / "run.json").read_text(encoding="utf-8")) == record


def test_a_damaged_file_of_a_stage_is_named(finished: RunFolder) -> None:
    assert finished.intact("export").inputs == "inputs"
    (finished.export / "b.onnx").write_bytes(b"b.on")
    with pytest.raises(RunError, match=r"b\.onnx is missing or damaged"):
        finished.intact("export")
    assert "b.onnx" in finished.undone("export", "inputs")
    assert "other inputs" in finished.undone("export", "others")
    assert "never" in finished.undone("train", "inputs")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"schema_version": 99, "stages": {}}',
        b'{"schema_version": 1}',
        b'{"schema_version": 1, "stages": 5}',
        b"\xff\xfe",
    ],
)
def test_a_broken_record_is_a_run_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(RunError):
        RunFolder.open(tmp_path)
    with pytest.raises(RunError):
        RunFolder.create(tmp_path, RECIPE)


@pytest.mark.parametrize(("name", "says"), [("missing", "there is no run at"), ("file", "is not a run"), ("folder", "is not a run")])
def test_what_is_no_run_cannot_be_opened(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(RunError, match=says):
        RunFolder.open(tmp_path / name)


def test_a_run_of_almost_that_name_is_proposed(tmp_path: Path) -> None:
    RunFolder.create(tmp_path / "flowers-1", RECIPE)
    (tmp_path / "flowers").mkdir()
    with pytest.raises(RunError) as caught:
        RunFolder.open(tmp_path / "flower-1")
    assert caught.value.remedy == f"did you mean {tmp_path / 'flowers-1'}?"


def test_a_run_whose_folder_is_gone_is_no_run(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "a b", RECIPE)
    run.record.unlink()
    with pytest.raises(RunError, match="is not a run"):
        run.read()
    assert run.quoted == f"'{tmp_path}/a b'"


def test_json_files_are_readable_as_they_are(tmp_path: Path) -> None:
    CONTRACT.write(tmp_path / "contract.json")
    text = (tmp_path / "contract.json").read_text(encoding="utf-8")
    assert "Käfer" in text
    assert json.loads(text) == CONTRACT.to_json()


def test_a_number_that_json_cannot_hold_is_not_written(tmp_path: Path) -> None:
    """NaN in a results file breaks every reader but Python's."""
    with pytest.raises(ValueError, match="JSON"):
        CONTRACT.model_copy(update={"schema_version": float("nan")}).write(tmp_path / "x.json")
    assert not (tmp_path / "x.json").exists()


def test_the_fingerprint_depends_on_the_values_alone() -> None:
    """Not on the order of keys, nor on the process: a stage is skipped by it tomorrow."""
    assert fingerprint({"a": 1, "b": [2]}, "x") == fingerprint({"b": [2], "a": 1}, "x") == "b0e9d49351d02a60"
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})
    assert fingerprint("ab", "c") != fingerprint("a", "bc")
    assert fingerprint(1) != fingerprint("1")


def test_the_run_knows_the_versions_that_made_it(tmp_path: Path) -> None:
    software = RunFolder.create(tmp_path, RECIPE).read().software
    assert {"python", "numpy", "tensorflow", "onnxruntime"} <= software.keys()


def test_another_float_model_ends_what_was_made_of_the_one_before(tmp_path: Path) -> None:
    """Else a card or a bundle would show the accuracy of another model; the same model made again ends nothing."""
    facts = FloatFacts(device="CPU", replicas=1, precision="float32", class_weights=())
    run = RunFolder.create(tmp_path / "run", RECIPE)
    for inputs, left in (("a", ["float", "validate"]), ("a", ["float", "validate"]), ("b", ["float"])):
        run.finish("float", inputs, time.monotonic(), [], facts)
        if inputs == "a":
            run.finish("validate", "x", time.monotonic(), [], VALIDATED)
        assert [*run.read().stages] == left
