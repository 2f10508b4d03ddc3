"""An app's folder is updated, and what a person did there survives."""

import json
from pathlib import Path

import pytest

from edgetl.errors import RunError, UsageError
from edgetl.ship.place import RECORD, place

FILES = {"model/m.tflite": b"one", "main.py": b"print()", "labels \u6570.txt": b"a"}


def test_a_second_call_updates_and_removes_and_keeps_what_was_edited(tmp_path: Path) -> None:
    root = tmp_path / "app"
    assert sorted(place(root, "linux", FILES, fresh=True).written) == sorted(FILES)
    assert sorted(place(root, "linux", FILES, fresh=True).unchanged) == sorted(FILES)
    (root / "main.py").write_bytes(b"print('mine')")
    placed = place(root, "linux", {"model/m.tflite": b"two", "main.py": b"print(2)"}, fresh=True)
    assert (placed.written, placed.kept, placed.removed) == (("model/m.tflite",), ("main.py",), ("labels \u6570.txt",))
    assert (root / "main.py").read_bytes() == b"print('mine')"
    assert (root / "model/m.tflite").read_bytes() == b"two"
    assert not (root / "labels \u6570.txt").exists()
    assert place(root, "linux", {"main.py": b"print(2)"}, fresh=True).kept == ("main.py",), "and is kept, and said, again"


def test_a_fresh_app_takes_no_folder_of_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="is not a linux app"):
        place(tmp_path, "linux", FILES, fresh=True)
    with pytest.raises(UsageError, match="is not a linux app"):
        place(tmp_path / "mine.txt", "linux", FILES, fresh=True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_existing_app_keeps_all_that_it_had(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_bytes(b"mine")
    placed = place(tmp_path, "linux", FILES, fresh=False)
    assert placed.kept == ("main.py",)
    assert (tmp_path / "main.py").read_bytes() == b"mine"
    assert place(tmp_path, "linux", {}, fresh=False).removed == tuple(sorted(set(FILES) - {"main.py"})), "never what was not ours"
    assert (tmp_path / "main.py").read_bytes() == b"mine"


def test_what_a_killed_call_left_is_not_taken_for_a_persons_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(tmp_path / "app", "linux", FILES, fresh=True)
    newer = {name: content + b"!" for name, content in FILES.items()}
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        written: list[Path] = []

        def killed(path: Path, content: bytes) -> int:
            if written:
                raise KeyboardInterrupt
            written.append(path)
            with path.open("wb") as file:
                return file.write(content)

        patched.setattr(Path, "write_bytes", killed)
        place(tmp_path / "app", "linux", newer, fresh=True)
    placed = place(tmp_path / "app", "linux", {name: content + b"?" for name, content in FILES.items()}, fresh=True)
    assert not placed.kept
    assert not list((tmp_path / "app").rglob(".partial-*"))


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "model").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="link"):
        place(tmp_path / "app", "linux", FILES, fresh=False)
    assert not list((tmp_path / "elsewhere").iterdir())
    assert not (tmp_path / "app" / RECORD).exists()


def record_of(targets: object) -> str:
    return json.dumps({"schema_version": 1, "targets": targets})


@pytest.mark.parametrize("text", ["{", "[]", '{"targets": {}}', record_of({"linux": {"main.py": "x"}}), record_of({"linux": []})])
def test_a_damaged_record_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / RECORD).write_text(text, encoding="utf-8")
    with pytest.raises(RunError, match="delete it"):
        place(tmp_path, "linux", FILES, fresh=False)


def test_a_record_that_names_a_file_outside_deletes_nothing(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "outside").write_bytes(b"")
    hashes = ["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]
    (tmp_path / "app" / RECORD).write_text(record_of({"linux": {"../outside": hashes}}), encoding="utf-8")
    with pytest.raises(RunError, match="link"):
        place(tmp_path / "app", "linux", {}, fresh=False)
    assert (tmp_path / "outside").exists()
