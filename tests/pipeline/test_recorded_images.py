"""A run whose images were moved: what needs none goes on, what needs them says where they were, and takes the same ones from elsewhere."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import edgetl
from edgetl.errors import DataError
from tests.conftest import NAME, CliResult, Made

Cli = Callable[..., CliResult]
NEED_IMAGES: dict[str, list[object]] = {
    "export": ["--int8", "--max-drop", 50],
    "validate": [],
    "evaluate": [],
    "sensitivity": [],
    "bundle": ["--out", "x.edgetl"],
    "ship": ["--target", "web", "--out", "app"],
    "benchmark": ["--accuracy", 2],
    "compare": [],
}


@pytest.fixture
def moved(own_images: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the images of `own_images` are now."""
    monkeypatch.chdir(tmp_path)
    return (tmp_path / NAME).rename(tmp_path / "moved")


def called(cli: Cli, command: str, run: Path, *more: object) -> CliResult:
    runs: list[object] = [run]
    if command == "compare":
        shutil.copytree(run, run.with_name("other"))
        runs.append(run.with_name("other"))
    return cli(command, *runs, *NEED_IMAGES[command], *more)


@pytest.mark.parametrize("command", NEED_IMAGES)
def test_a_command_that_needs_images_says_where_they_were(cli: Cli, own_images: Made, moved: Path, command: str) -> None:
    outcome = called(cli, command, own_images.run)
    said = " ".join(outcome.err.split())
    assert outcome.code == 3, said
    assert f"{own_images.run} recorded its images at {moved.parent / NAME}: there is no folder" in said
    assert "--data PATH" in said


@pytest.mark.parametrize("command", NEED_IMAGES)
def test_images_that_are_missing_elsewhere_are_named(cli: Cli, own_images: Made, moved: Path, command: str) -> None:
    lost = sorted((moved / "2").iterdir())[:2]
    lost[0].unlink()
    lost[1].write_bytes(lost[1].read_bytes() + b"\0")
    outcome = called(cli, command, own_images.run, "--data", moved)
    said = " ".join(outcome.err.split())
    assert outcome.code == 3, said
    assert "lacks 2 of the 120 images" in said
    assert all(f"2/{path.name}" in said for path in lost)
    assert f"recorded them at {moved.parent / NAME}" in said


def flat(folder: Path) -> Path:
    """List the same images under other names, without splits, by a CSV file."""
    (folder.parent / "flat").mkdir()
    with (folder.parent / "flat" / "all.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "label"])
        for number, path in enumerate(sorted(folder.glob("*/*.png"))):
            shutil.copy(path, folder.parent / "flat" / f"{number}.png")
            rows.writerow([f"{number}.png", path.parent.name])
    return folder.parent / "flat" / "all.csv"


def with_more(folder: Path) -> Path:
    shutil.copytree(folder / "1", folder / "9")
    for path in (folder / "9").iterdir():
        path.write_bytes(path.read_bytes() + b"\0")
    return folder


@pytest.mark.parametrize("change", [lambda folder: folder, flat, with_more], ids=["as they were", "renamed, in a CSV file", "among more"])
def test_the_same_images_elsewhere_give_the_same_results(made: Made, own_images: Made, moved: Path, change: Callable[[Path], Path]) -> None:
    """With the names, labels and splits that the run recorded: only contents count."""
    recorded = json.loads((own_images.run / "data.json").read_text(encoding="utf-8"))
    run = edgetl.Run(own_images.run, data=change(moved))
    with run, run._opened() as project:
        images = project.data.trained_images()
        assert (images.fingerprint, list(images.names)) == (recorded["fingerprint"], [one["name"] for one in recorded["images"]])
    before = json.loads((own_images.run / "validation.json").read_text(encoding="utf-8"))["subjects"]
    after = run.evaluate().to_json()["models"]
    assert after["tflite_int8"]["top1_accuracy"]["value"] == before["tflite_int8"]["accuracy"]["top1_accuracy"]


def test_what_needs_no_image_does_not_look_for_them(cli: Cli, own_images: Made, moved: Path) -> None:
    image = next((moved / "0").glob("*.png"))
    run = own_images.run
    for command in (
        ["export", run],
        ["explain", run, image],
        ["predict", run, image],
        ["card", run],
        ["show", run],
        ["benchmark", run, "--runs", 1],
    ):
        outcome = cli(*command)
        assert outcome.code == 0, outcome.err
        assert "recorded its images" not in outcome.err
    shutil.rmtree(run / "export")
    assert cli("export", run, "--float32", "--formats", "tflite").code == 0, "a float file is made of the model alone"


def test_a_report_without_images_says_so_and_takes_them_from_elsewhere(cli: Cli, own_images: Made, moved: Path) -> None:
    for more, absent in (([], True), (["--data", moved], False)):
        outcome = cli("report", own_images.run, *more, "--json")
        assert outcome.code == 0, outcome.err
        assert ("the report shows no images" in outcome.err and "recorded its images" in outcome.err) is absent


def test_images_that_changed_in_their_place_are_counted(own_images: Made, tmp_path: Path) -> None:
    folder = tmp_path / NAME
    path = next((folder / "0").glob("*.png"))
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(DataError, match=r"1 of 120 are missing or were changed, 1 are new\n  0/.*\n.*--data PATH"):
        edgetl.Run(own_images.run).evaluate()
