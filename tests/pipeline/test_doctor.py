"""`edgetl doctor`: faults that are planted are found, the list of them is taken by training, and the images stay as they are."""

import importlib.util
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from edgetl.data import exclude
from edgetl.data.index import DataIndex
from edgetl.errors import DataError, UsageError
from edgetl.pipeline.project import Project
from edgetl.pipeline.train.stages import find_data
from edgetl.recipe import load
from tests.conftest import ROOT, CliResult, edgetl
from tests.data.conftest import encode, scene

Cli = Callable[..., CliResult]
SMALL = ("--backbone", "small_cnn", "--image-size", 32, "--weights", "none", "--epochs", 0, "--head-epochs", 1)
SMALL += ("--no-qat", "--set", "quantize.ranges=minmax", "--set", "quantize.calibration_images=8")  # type: ignore[assignment]


@pytest.fixture(scope="session")
def bar() -> ModuleType:
    """The benchmark that plants faults."""
    specification = importlib.util.spec_from_file_location("doctor_bar", ROOT / "benchmarks/doctor.py")
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    """Scenes in two classes; a leak, a copy, a file that is not an image, and a name that is markup."""
    folder = tmp_path / "data <b>ä"
    for number, (split, label, count) in enumerate((("train", "cat", 12), ("train", "dog", 12), ("val", "cat", 4), ("val", "dog", 4))):
        (folder / split / label).mkdir(parents=True)
        for index in range(count):
            (folder / split / label / f"{index}.png").write_bytes(encode(scene(60, 80, 100 * number + index)))
    shutil.copy(folder / "train/cat/3.png", folder / "val/cat/<script>alert(1)<.png")
    shutil.copy(folder / "train/dog/1.png", folder / "train/dog/again.png")
    (folder / "train/cat/broken.jpg").write_bytes(b"\xff\xd8 no image")
    return folder


def test_faults_are_listed_and_training_leaves_them_out(cli: Cli, faulty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A training that ends when it has read its images: nothing later sees another list of them."""
    monkeypatch.setattr("edgetl.pipeline.train.stages.train", find_data)
    before, out = contents(faulty), tmp_path / "found"
    outcome = cli("doctor", faulty, "--out", out, "--json")
    assert outcome.code == 0, outcome.err
    document = outcome.document
    found = document["findings"]
    assert [one["name"] for one in found["unreadable"]] == ["train/cat/broken.jpg"]
    assert [(one["name"], one["others"]) for one in found["leaks"]] == [("train/cat/3.png", ["val/cat/<script>alert(1)<.png"])]
    assert [(one["name"], one["others"]) for one in found["duplicates"]] == [("train/dog/again.png", ["train/dog/1.png"])]
    assert document["exclude"] == ["train/cat/broken.jpg", "train/cat/3.png", "train/dog/again.png"]
    assert json.loads((out / "doctor.json").read_text(encoding="utf-8"))["findings"] == found
    page = (out / "doctor.html").read_text(encoding="utf-8")
    assert page.count("<script") == 1, "the page's own"
    assert "&lt;script&gt;" in page
    assert not re.search(r"(src|href)=\"(?!data:|#)", page)

    trained = cli("train", faulty, *SMALL, "--out", tmp_path / "run", "--exclude", out / "exclude.txt")
    assert trained.code == 0, trained.err
    assert "23 train, 9 val, 0 test, 0 left out, 3 excluded" in trained.err
    index = DataIndex.read(tmp_path / "run/data.json")
    assert list(index.excluded) == sorted(document["exclude"])
    assert contents(faulty) == before


def test_another_list_is_other_data(faulty: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The same list under another name is not; a list that went away is said."""
    listed, renamed, run = tmp_path / "a.txt", tmp_path / "b.txt", tmp_path / "run"

    def read(path: Path) -> str:
        caplog.clear()
        with caplog.at_level("INFO", "edgetl"):
            project = Project.create(load(None, (), {"data.source": str(faulty), "data.exclude": str(path)}), run)
            find_data(project)
        return caplog.text

    listed.write_text("train/cat/broken.jpg\ntrain/dog/9.png\nnot/there.png\n", encoding="utf-8")
    assert "'not/there.png'" in read(listed)
    shutil.copy(listed, renamed)
    assert "data: done already" in read(renamed)
    renamed.write_text("train/cat/broken.jpg\n", encoding="utf-8")
    with pytest.raises(DataError, match="are not those that"):
        Project.open(run).data.trained_images()
    assert "data: done already" not in read(renamed)
    renamed.unlink()
    with pytest.raises(UsageError, match=r"b\.txt"):
        _ = Project.open(run).data.listing


def test_a_run_takes_the_findings_into_its_report(cli: Cli, faulty: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    find_data(Project.create(load(None, (), {"data.source": str(faulty)}), run))
    assert cli("doctor", faulty, "--out", run, "--fast").code == 0
    assert cli("report", run).code == 0
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "Leaks (1)" in page
    assert "train/dog/again.png" in page
    assert "the same file is in train and val" in page, "what the doctor found, not only that it did"
    assert "3 images should be left out" in page
    other = cli("doctor", "digits", "--out", run, "--fast")
    assert other.code == 2
    assert "run on other images" in other.err


def test_what_somebody_worked_on_is_kept(cli: Cli, faulty: Path, tmp_path: Path) -> None:
    command, listed = ("doctor", faulty, "--out", tmp_path / "found", "--fast"), tmp_path / "found/exclude.txt"
    assert cli(*command).code == 0
    assert cli(*command).code == 0
    assert not listed.with_name("exclude-new.txt").exists()
    assert listed.read_text(encoding="utf-8").startswith(f"{exclude.heading(str(faulty))}\n")
    listed.write_text(listed.read_text(encoding="utf-8") + "train/dog/2.png\n", encoding="utf-8")
    assert "was changed by hand" in cli(*command).err
    assert listed.read_text(encoding="utf-8").endswith("train/dog/2.png\n")
    assert listed.with_name("exclude-new.txt").exists()


def test_exit_codes(cli: Cli, faulty: Path, tmp_path: Path) -> None:
    out = tmp_path / "found"
    assert cli("doctor", faulty, "--out", out, "--fast", "--strict").code == 3
    again = cli("doctor", faulty, "--out", out, "--fast", "--strict", "--set", f"data.exclude={out / 'exclude.txt'}")
    assert (again.code, "no image need be left out" in again.err) == (0, True)
    assert cli("doctor", faulty, "--out", faulty / "found").code == 2
    assert cli("doctor", tmp_path / "nothing").code == 3
    for path in faulty.glob("*/*/*"):
        path.write_bytes(b"")
    empty = cli("doctor", faulty, "--out", out, "--fast")
    assert empty.code == 3
    assert "no image that can be used" in empty.err


@pytest.mark.parametrize("fast", [(), ("--fast",)])
def test_few_images_are_examined_too(fast: tuple[str, ...], cli: Cli, tmp_path: Path) -> None:
    """One of one class, none of another to measure on, no split: said, and no reason to fail."""
    folder = tmp_path / "few"
    for number, label in enumerate("abc"):
        (folder / label).mkdir(parents=True)
        for index in range(1 + number):
            (folder / label / f"{index}.png").write_bytes(encode(scene(20, 20, 10 * number + index)))
    Image.fromarray(np.full((20, 20, 3), 9, np.uint8)).save(folder / "c/blank.png")
    outcome = cli("doctor", folder, "--out", tmp_path / "found", "--json", *fast)
    assert outcome.code == 0, outcome.err
    assert any("no validation split" in note for note in outcome.document["notes"])
    assert bool(fast) != any("too few images to judge" in note for note in outcome.document["notes"])
    assert {one["name"] for one in outcome.document["findings"]["classes"]} == {"a", "b", "c"}
    assert [one["name"] for one in outcome.document["findings"]["constant"]] == ["c/blank.png"]


def test_rows_without_a_label_and_a_class_absent_from_validation(cli: Cli, faulty: Path, tmp_path: Path) -> None:
    """Training, evaluation and validation go on with what there is, and say what is missing."""
    rows = ["path,label,split"]
    for path in sorted(faulty.rglob("*.png")):
        split, label, _ = path.relative_to(faulty).parts
        rows.append(f"{path},{'' if path.stem == '5' else label},{'train' if label == 'dog' else split}")
    (tmp_path / "images.csv").write_text("\n".join(rows), encoding="utf-8")
    source, run = tmp_path / "images.csv", tmp_path / "run"
    refused = cli("train", source, *SMALL, "--out", run)
    assert refused.code == 3
    assert "has no label" in refused.err
    assert "data.max_bad_fraction=1" in refused.err
    assert cli("train", source, *SMALL, "--out", run, "--set", "data.max_bad_fraction=1").code == 0
    assert cli("export", run, "--int8", "--formats", "tflite").code == 0
    for command in ("validate", "evaluate"):
        outcome = cli(command, run, "--json")
        assert outcome.code == (0 if outcome.document.get("passed", True) else 7), (
            outcome.err
        )  # one class of two: near ties may fall either way
        assert "no validation image in 'dog': the accuracy does not cover it" in outcome.err
    examined = cli("doctor", source, "--out", tmp_path / "found", "--fast", "--json").document["findings"]
    assert all("has no label" in one["detail"] for one in examined["unreadable"])
    assert "no validation image: the accuracy does not cover it" in [one["detail"] for one in examined["classes"] if one["name"] == "dog"]


def test_planted_faults_are_found(bar: ModuleType, shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    """The bar on a tenth of the flowers."""
    flowers = shared_data("tf_flowers")
    folder = tmp_path / "flowers"
    for parent in sorted(flowers.glob("*/*")):
        (folder / parent.relative_to(flowers)).mkdir(parents=True)
        for path in sorted(parent.iterdir())[:: 12 if parent.parts[-2] == "train" else 6]:
            shutil.copy(path, folder / path.relative_to(flowers))
    planted = bar.plant(folder, 1, 4)
    found = bar.found(planted, bar.examine(folder, tmp_path / "found")[0])
    assert found["corrupt"] == found["exact"] == 4
    assert found["near"] >= 3
    assert found["wrong"] >= 2, "little is learned from 300 images"


@pytest.mark.slow
def test_the_bar(bar: ModuleType, shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    """40 faults among all flowers: all corrupt and exact, 9 of 10 near ones, 7 of 10 wrong labels; nothing is said of the time."""
    folder = tmp_path / "flowers"
    shutil.copytree(shared_data("tf_flowers"), folder)
    planted = bar.plant(folder, 0)
    before = contents(folder)
    found = bar.found(planted, bar.examine(folder, tmp_path / "found")[0])
    assert found["corrupt"] == found["exact"] == 10
    assert found["near"] >= 9
    assert found["wrong"] >= 7
    assert contents(folder) == before
    done = edgetl("doctor", folder, "--out", tmp_path / "found", "--json")
    assert bar.found(planted, json.loads(done.stdout)["findings"]) == found, "from the cached features too"
