"""What every target does with every runtime of its own, taken from the registry."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from edgetl.pipeline.ship.app import app_files
from edgetl.ship import archive
from edgetl.ship.targets import TARGETS
from edgetl.ship.targets.base import App
from tests.conftest import CliResult
from tests.ship.repack import HOSTILE

Cli = Callable[..., CliResult]
# But for those that the tests' bundle has no file for: test_ios.py and test_mcu.py make them.
CASES = [(name, runtime) for name in TARGETS for runtime in TARGETS.load(name).runtimes if runtime not in ("coreml", "ethos_u")]
DATA_FILES = ("app.json", "manifest.json", "labels.txt", "golden/golden.json", "golden/pixels.bin", "golden/resized.bin")
DATA = ("manifest.json", "labels.txt", "golden.json")  # where names are data


@pytest.mark.parametrize(("target", "runtime"), CASES)
def test_a_fresh_app_holds_the_model_and_names_are_data_in_it(cli: Cli, hostile: Path, tmp_path: Path, target: str, runtime: str) -> None:
    out = tmp_path / "my app \u00e4"
    command = ("ship", hostile, "--target", target, "--runtime", runtime, "--out", out, "--json")
    first = cli(*command)
    assert first.code == 0, first.err
    assert not first.document["kept"]
    manifest, files = archive.read(hostile)
    there = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    for name in (first.document["model"], "golden/pixels.bin", "manifest.json"):
        assert files[name] in there.values(), f"{name} is in the app as it is in the bundle"
    for path, content in there.items():
        if path.name not in DATA:
            for label in HOSTILE[1:]:  # the first is the app's title, too
                assert label.encode() not in content, f"{path.name} has a label in it"
    again = cli(*command)
    assert again.code == 0, again.err
    assert (again.document["written"], again.document["removed"], again.document["kept"]) == ([], [], [])
    assert str(manifest.name) == HOSTILE[0]


@pytest.mark.parametrize(("target", "runtime"), CASES)
def test_the_apps_data_does_not_depend_on_the_target(hostile: Path, target: str, runtime: str) -> None:
    manifest, files = archive.read(hostile)
    model = next(name for name, facts in manifest.models.items() if facts.runtime == runtime)
    fresh = app_files(TARGETS.load(target), App(manifest, runtime, model, "com.example.flowers"), files)
    folder = TARGETS.load(target).data(None)
    data = {path.removeprefix(f"{folder}/"): content for path, content in fresh.items() if path.startswith(f"{folder}/")}
    assert data.keys() >= {*DATA_FILES, model}
    for name in (*DATA_FILES[1:], model):
        assert data[name] == files[name], name
    assert json.loads(data["app.json"]) == {
        "model": model,
        "runtime": runtime,
        "manifest_sha256": hashlib.sha256(files["manifest.json"]).hexdigest(),
    }
    assert not [path for path in fresh if path.startswith("/") or ".." in Path(path).parts]


@pytest.mark.parametrize(("target", "runtime"), CASES)
def test_real_images_are_in_the_tests_alone_and_it_is_said(cli: Cli, hostile: Path, tmp_path: Path, target: str, runtime: str) -> None:
    pixels = archive.read(hostile).files["golden_test/pixels.bin"]
    tests, app = TARGETS.load(target).tests(None), tmp_path / "app"
    outcome = cli("ship", hostile, "--target", target, "--runtime", runtime, "--out", app, "--json")
    assert outcome.code == 0, outcome.err
    holding = [path.relative_to(app).as_posix() for path in app.rglob("*") if path.is_file() and pixels in path.read_bytes()]
    assert holding == ([f"{tests}/golden_test/pixels.bin"] if tests else [])
    assert (f"the app has 12 validation images in {tests}/golden_test, for tests" in outcome.err) is bool(tests)
    again = cli("ship", hostile, "--target", target, "--runtime", runtime, "--out", app, "--golden", "synthetic", "--json")
    assert len(again.document["removed"]) == (3 if tests else 0), "an image that is no longer wanted goes"
    assert "validation images" not in again.err


def test_a_bundle_has_its_golden_images(cli: Cli, hostile: Path, tmp_path: Path) -> None:
    outcome = cli("ship", hostile, "--target", "linux", "--golden", tmp_path, "--out", tmp_path / "app")
    assert (outcome.code, "has its golden images already" in outcome.err) == (2, True)


def test_an_app_is_either_fresh_or_there(cli: Cli, hostile: Path, tmp_path: Path) -> None:
    for arguments in ((), ("--out", tmp_path / "a", "--into", tmp_path), ("--into", tmp_path / "nowhere")):
        assert cli("ship", hostile, "--target", "linux", *arguments).code == 2
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--target", "linus"), "did you mean 'linux'"),
        (("--target", "linux", "--runtime", "onnx"), "choices: litert, onnxruntime"),
        (("--target", "linux", "--package", "Flowers"), "is not a package name"),
        (("--target", "linux", "--package", "com.example.a'; rm -rf /"), "is not a package name"),
    ],
)
def test_what_cannot_be_meant(cli: Cli, hostile: Path, tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    outcome = cli("ship", hostile, *arguments, "--out", tmp_path / "app")
    assert outcome.code == 2
    assert says in outcome.err
    assert not list(tmp_path.iterdir())


def test_a_bundle_with_a_changed_byte_is_not_shipped(cli: Cli, hostile: Path, tmp_path: Path) -> None:
    content = bytearray(hostile.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "changed.edgetl").write_bytes(content)
    assert cli("ship", tmp_path / "changed.edgetl", "--target", "linux", "--out", tmp_path / "app").code == 5
    assert not (tmp_path / "app").exists()
