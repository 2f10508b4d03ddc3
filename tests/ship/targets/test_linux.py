"""The Linux folder, run as its users run it: with its requirements and nothing else, here and on an emulated Arm processor."""

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from importlib.metadata import Distribution, distribution
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement
from PIL import Image, ImageDraw

from tests.conftest import CliResult, python_program
from tests.ship.repack import HOSTILE, golden_images, repacked, with_other_thresholds

Cli = Callable[..., CliResult]
RUNTIMES = ("litert", "onnxruntime")
Done = subprocess.CompletedProcess[str]


@pytest.fixture(autouse=True)
def _nothing_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="session", params=RUNTIMES)
def shipped(request: pytest.FixtureRequest, hostile: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from edgetl.pipeline.ship.app import AppOptions, ship

    folder = tmp_path_factory.mktemp("linux") / f"it's {request.param}"
    ship(hostile, "linux", AppOptions(out=folder, runtime=request.param))
    return folder


def needed(names: Iterable[str]) -> dict[str, Distribution]:
    """The packages of a requirements file with all that they need, as they are installed here."""
    found: dict[str, Distribution] = {}
    waiting = list(names)
    while waiting:
        one = Requirement(waiting.pop())
        if one.name not in found and (one.marker is None or one.marker.evaluate({"extra": ""})):
            found[one.name] = distribution(one.name)
            waiting += found[one.name].requires or []
    return found


@pytest.fixture(scope="session")
def python(shipped: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Done]:
    """Python with the folder's requirements alone: no edgetl, no TensorFlow."""
    site = tmp_path_factory.mktemp("site")
    for package in needed((shipped / "requirements.txt").read_text(encoding="utf-8").splitlines()).values():
        for top in {file.parts[0] for file in package.files or () if file.parts[0] not in ("..", "__pycache__")}:
            if not (site / top).exists():
                (site / top).symlink_to(package.locate_file(top))
    code = "import runpy, sys; sys.path.append(sys.argv[1]); sys.argv = sys.argv[2:]; runpy.run_path(sys.argv[0], run_name='__main__')"

    def run(*arguments: object) -> Done:
        command = [sys.executable, "-I", "-S", "-c", code, str(site), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, encoding="utf-8")

    missing = run(_script(tmp_path_factory, "import edgetl"))
    assert "No module named 'edgetl'" in missing.stderr
    return run


def _script(tmp_path_factory: pytest.TempPathFactory, text: str) -> Path:
    path = tmp_path_factory.mktemp("script") / "script.py"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_self_test_passes_with_the_requirements_alone(python: Callable[..., Done], shipped: Path) -> None:
    done = python(shipped / "classify.py", "--self-test")
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["images"] == 12
    assert outcome["max_steps"] < 0.01, "the same kernels as the bundle's"
    assert outcome["resize_max_levels"] == 0, "the same Pillow"
    assert outcome["other_decisions"] == 0


def test_it_is_not_sure_where_edgetl_says_unknown(python: Callable[..., Done], shipped: Path, tmp_path: Path) -> None:
    images = golden_images(shipped / "model", tmp_path)
    outcomes = [json.loads(line) for line in python(shipped / "classify.py", "--json", *images).stdout.split("\n") if line]
    assert [one["present"] for one in outcomes] == list(images.values())
    said = python(shipped / "classify.py", *images).stdout.split("\n")[: len(images)]
    assert ["png: not sure (perhaps " in line for line in said] == [not names for names in images.values()]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_all_classes_of_several_are_named(cli: Cli, runtime: str, of_several_classes: Path, tmp_path: Path) -> None:
    from edgetl.pipeline.ship.app import AppOptions, ship

    assert cli("verify", of_several_classes).code == 0
    app = tmp_path / "app"
    ship(of_several_classes, "linux", AppOptions(out=app, runtime=runtime))
    images = golden_images(app / "model", tmp_path)
    command = [sys.executable, app / "classify.py", "--self-test", "--top", "1", *images]
    proof, *said = subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8").stdout.splitlines()
    assert json.loads(proof)["max_steps"] < 0.01
    assert json.loads(proof)["other_decisions"] == 0
    for line, names in zip(said, images.values(), strict=True):
        assert ("png: none of the classes (nearest: " in line) is (not names)
        assert all(f"{name} " in line for name in names)
        assert line.count("%") == max(1, len(names)), "all that are there, or one guess"
    lines = subprocess.run([*command[:2], "--json", *images], capture_output=True, text=True, check=True, encoding="utf-8").stdout
    assert [json.loads(line)["present"] for line in lines.splitlines()] == list(images.values())


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_float_output_of_an_int8_model_is_read(cli: Cli, runtime: str, float_ended: Path, tmp_path: Path) -> None:
    from edgetl.pipeline.ship.app import AppOptions, ship

    assert cli("verify", float_ended).code == 0
    ship(float_ended, "linux", AppOptions(out=tmp_path / "app", runtime=runtime))
    done = subprocess.run([sys.executable, tmp_path / "app/classify.py", "--self-test"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["max_steps"] < 0.01


@pytest.mark.parametrize(("name", "runtime"), [("wide", "litert"), ("grey", "onnxruntime")])
def test_inputs_of_any_kind(cli: Cli, name: str, runtime: str, of_other_inputs: dict[str, Path], tmp_path: Path) -> None:
    from edgetl.pipeline.ship.app import AppOptions, ship

    app = tmp_path / "app"
    ship(of_other_inputs[name], "linux", AppOptions(out=app, runtime=runtime))
    paths = _drawn(tmp_path)
    done = subprocess.run(
        [sys.executable, app / "classify.py", "--self-test", "--json", *paths], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    proof, *outcomes = (json.loads(line) for line in done.stdout.split("\n") if line)
    assert (proof["max_steps"] < 0.01, proof["resize_max_levels"]) == (True, 0)
    model = json.loads((app / "model/app.json").read_text(encoding="utf-8"))["model"]
    manifest = json.loads((app / "model/manifest.json").read_text(encoding="utf-8"))
    (tmp_path / "contract.json").write_text(json.dumps(manifest["contract"]), encoding="utf-8")
    (tmp_path / model).write_bytes((app / "model" / model).read_bytes())
    ours = cli("predict", tmp_path / model, *paths, "--json")
    assert ours.code == 0, ours.err
    for outcome, expected in zip(outcomes, ours.document, strict=True):
        assert outcome["best"][0]["probability"] == pytest.approx(expected["top"][0]["probability"], abs=1e-4)


@pytest.mark.parametrize(
    ("shipped", "processor"),
    [("litert", "cortex-a53"), ("onnxruntime", "cortex-a76"), ("onnxruntime", "cortex-a53")],
    indirect=["shipped"],
)
def test_the_self_test_passes_on_arm(arm64: Path, shipped: Path, processor: str) -> None:
    """LiteRT on one processor: tests/devices/test_qemu.py has its kernels on both."""
    [python] = sorted((arm64 / "root/usr/bin").glob("python3.[0-9]*[0-9]"))
    command = [arm64 / "qemu-aarch64", "-cpu", processor, "-L", arm64 / "root", python, shipped / "classify.py", "--self-test"]
    done = subprocess.run(
        list(map(str, command)), env={"PYTHONPATH": str(arm64 / "site")}, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["passed"]


def _drawn(folder: Path) -> list[Path]:
    """Images that decoders see differently: turned by EXIF, transparent, of 16 bits, of a palette, narrow."""
    rng, paths = np.random.default_rng(3), []
    base = Image.fromarray(rng.integers(0, 256, (61, 90, 3), np.uint8))
    ImageDraw.Draw(base).ellipse((20, 5, 70, 55), outline="white", width=9)
    exif = Image.Exif()
    exif[0x0112] = 6
    clear = base.convert("RGBA")
    clear.putalpha(base.convert("L"))
    deep = Image.fromarray(rng.integers(0, 65536, (40, 50), np.uint16))
    images = {
        "turned.jpg": base,
        "clear.png": clear,
        "deep.png": deep,
        "palette.gif": base.convert("P"),
        "narrow.png": base.resize((9, 300)),
    }
    for name, image in images.items():
        path = folder / f"{name[0]} \u6570 {name}"
        image.save(path, **({"exif": exif, "quality": 95} if name.endswith("jpg") else {}))
        paths.append(path)
    return paths


def _large_and_printed(folder: Path) -> list[Path]:
    """Images that browsers refuse: a TIFF of 16 bits, one in print's colours, and a JPEG file above Pillow's limit."""
    rng = np.random.default_rng(4)
    base = Image.fromarray(rng.integers(0, 256, (9, 10, 3), np.uint8))
    images = {
        "deep.tif": Image.fromarray(rng.integers(0, 65536, (40, 50), np.uint16)),
        "print.tiff": base.resize((90, 81)).convert("CMYK"),
        "large.jpg": base.resize((10000, 9000), Image.Resampling.NEAREST),
    }
    for name, image in images.items():
        image.save(folder / name)
    return [folder / name for name in images]


def test_the_formats_are_those_of_training(python: Callable[..., Done], shipped: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    from edgetl.data import decode, formats

    names = "FORMATS", "MODES", "MOST_PIXELS"
    text = f"import json, runpy, sys; app = runpy.run_path(sys.argv[1]); print(json.dumps([app[name] for name in {names}]))"
    done = python(_script(tmp_path_factory, text), shipped / "classify.py")
    without_package = [one.name.upper() for one in formats.FORMATS if one.name != "HEIC"]
    assert json.loads(done.stdout) == [without_package, list(decode._MODES), Image.MAX_IMAGE_PIXELS], done.stderr


def test_images_become_the_same_pixels_as_in_training(cli: Cli, python: Callable[..., Done], shipped: Path, tmp_path: Path) -> None:
    paths = [*_drawn(tmp_path), *_large_and_printed(tmp_path)]
    done = python(shipped / "classify.py", "--json", "--top", 2, *paths)
    assert done.returncode == 0, done.stderr
    predictions = [json.loads(line) for line in done.stdout.split("\n") if line]
    assert [outcome["image"] for outcome in predictions] == list(map(str, paths))
    (tmp_path / "contract.json").write_text(
        json.dumps(json.loads((shipped / "model/manifest.json").read_text(encoding="utf-8"))["contract"]), encoding="utf-8"
    )
    model = json.loads((shipped / "model/app.json").read_text(encoding="utf-8"))["model"]
    (tmp_path / model).write_bytes((shipped / "model" / model).read_bytes())
    ours = cli("predict", tmp_path / model, *paths, "--json")
    assert ours.code == 0, ours.err
    for outcome, expected in zip(predictions, ours.document, strict=True):
        best = expected["top"][0]
        assert outcome["best"][0]["class_name"] in HOSTILE
        assert outcome["best"][0]["class_name"] == best["class_name"]
        assert outcome["best"][0]["probability"] == pytest.approx(best["probability"], abs=1e-4)


def test_what_is_no_image_is_said_and_the_rest_goes_on(python: Callable[..., Done], shipped: Path, tmp_path: Path) -> None:
    good = _drawn(tmp_path)[0]
    (tmp_path / "bad.jpg").write_bytes(good.read_bytes()[:200])
    done = python(shipped / "classify.py", tmp_path / "bad.jpg", tmp_path / "none.jpg", good)
    assert done.returncode == 1
    assert "bad.jpg" in done.stderr
    assert "none.jpg" in done.stderr
    assert "Traceback" not in done.stderr
    assert str(good) in done.stdout


def test_the_camera_is_the_first_program_that_there_is(
    python: Callable[..., Done], shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    none = python(shipped / "classify.py", "--camera")
    assert none.returncode == 1
    assert "no camera program" in none.stderr
    image = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(image, "JPEG")
    (tmp_path / "frame.jpg").write_bytes(image.getvalue())
    # Gives one frame, then fails, as when the camera is pulled out.
    camera = f"import os, pathlib, sys\nframe = pathlib.Path({str(tmp_path / 'frame.jpg')!r})\n"
    camera += "data = frame.read_bytes() if frame.exists() else sys.exit('no device')\nframe.unlink()\nsys.stdout.buffer.write(data)\n"
    (tmp_path / "fswebcam").write_text(python_program(camera), encoding="utf-8")
    (tmp_path / "fswebcam").chmod(0o755)
    done = python(shipped / "classify.py", "--camera", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["image"] == "camera"
    assert "fswebcam gave no image: no device" in done.stderr


def test_smoothing_averages_what_the_camera_sees(
    python: Callable[..., Done], shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = [image.resize((40, 30)) for image in map(Image.open, _drawn(tmp_path)[:3])]
    camera = f"import pathlib, sys\nnext = min(pathlib.Path({str(tmp_path)!r}).glob('frame*.png'), default=None) or sys.exit('no more')\n"
    camera += "sys.stdout.buffer.write(next.read_bytes())\nnext.unlink()\n"
    (tmp_path / "fswebcam").write_text(python_program(camera), encoding="utf-8")
    (tmp_path / "fswebcam").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    def seen(*more: str) -> list[dict[str, float]]:
        for number, frame in enumerate(frames):
            frame.convert("RGB").save(tmp_path / f"frame{number}.png")
        lines = python(shipped / "classify.py", "--camera", "--json", "--top", "9", *more).stdout.rstrip("\n").split("\n")
        return [{one["class_name"]: one["probability"] for one in json.loads(line)["best"]} for line in lines]

    alone, smooth = seen(), seen("--smooth")
    assert len(alone) == len(smooth) == len(frames)
    assert alone != smooth
    for at, found in enumerate(smooth):
        assert found == pytest.approx({name: sum(one[name] for one in alone[: at + 1]) / (at + 1) for name in found}, abs=2e-6)
    assert "--smooth goes with --camera" in python(shipped / "classify.py", "--smooth", "--self-test").stderr


def _flipped(folder: Path, name: str) -> None:
    content = bytearray((folder / "model" / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "model" / name).write_bytes(content)


def test_its_tests_replay_the_real_images(shipped: Path, tmp_path: Path) -> None:
    copy = tmp_path / "app"
    shutil.copytree(shipped, copy)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", copy / "test_golden.py"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    pixels = copy / "test" / "golden_test" / "pixels.bin"
    pixels.write_bytes(pixels.read_bytes()[::-1])
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "golden_test/pixels.bin was changed" in done.stdout
    shutil.rmtree(copy / "test")
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0, "a release"


@pytest.mark.parametrize("name", ["MODEL", "manifest.json", "labels.txt", "golden/golden.json", "golden/pixels.bin", "golden/resized.bin"])
def test_one_changed_byte_fails_the_self_test(python: Callable[..., Done], shipped: Path, tmp_path: Path, name: str) -> None:
    copy = Path(shutil.copytree(shipped, tmp_path / "copy"))
    model = json.loads((copy / "model/app.json").read_text(encoding="utf-8"))["model"]
    _flipped(copy, model if name == "MODEL" else name)
    done = python(copy / "classify.py", "--self-test")
    assert done.returncode == 7, done.stdout
    assert "the self-test failed" in done.stderr
    assert "Traceback" not in done.stderr


def _swapped_names(files: dict[str, bytes]) -> None:
    manifest = json.loads(files["manifest.json"])
    manifest["contract"]["output"]["class_names"].reverse()
    files["manifest.json"] = json.dumps(manifest).encode()
    files["labels.txt"] = "".join(f"{label}\n" for label in manifest["contract"]["output"]["class_names"]).encode()


def _other_normalization(files: dict[str, bytes]) -> None:
    pixels = np.frombuffer(files["golden/pixels.bin"], np.uint8)
    files["golden/pixels.bin"] = (pixels // 2 + 64).astype(np.uint8).tobytes()


@pytest.mark.parametrize(
    ("change", "says"),
    [(_swapped_names, "another order"), (with_other_thresholds, "decided otherwise"), (_other_normalization, "predictions are up to")],
)
def test_a_mistake_with_right_hashes_fails_the_self_test(
    python: Callable[..., Done], shipped: Path, hostile: Path, tmp_path: Path, change: Callable[[dict[str, bytes]], None], says: str
) -> None:
    from edgetl.pipeline.ship.app import app_files
    from edgetl.ship import archive
    from edgetl.ship.targets import TARGETS
    from edgetl.ship.targets.base import App

    choice = json.loads((shipped / "model/app.json").read_text(encoding="utf-8"))
    manifest, files = archive.read(repacked(hostile, tmp_path / "wrong.edgetl", change))
    app = App(manifest, choice["runtime"], choice["model"], "com.example.app")
    for name, content in app_files(TARGETS.load("linux"), app, files).items():
        (tmp_path / "app" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "app" / name).write_bytes(content)
    done = python(tmp_path / "app" / "classify.py", "--self-test")
    assert done.returncode == 7
    assert says in done.stderr


def test_into_an_existing_program(cli: Cli, python: Callable[..., Done], hostile: Path, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("mine", encoding="utf-8")
    outcome = cli("ship", hostile, "--target", "linux", "--into", tmp_path, "--json")
    assert outcome.code == 0, outcome.err
    assert sorted(path.name for path in tmp_path.iterdir()) == [".edgetl-ship.json", "edgetl_classifier", "main.py"]
    assert str(tmp_path / "edgetl_classifier" / "classify.py") in outcome.document["next"]
    assert (tmp_path / "main.py").read_text(encoding="utf-8") == "mine"


@pytest.mark.slow
def test_as_the_readme_says_in_a_new_environment(shipped: Path, tmp_path: Path) -> None:
    for command in (
        [sys.executable, "-m", "venv", tmp_path / "venv"],
        [tmp_path / "venv/bin/python", "-m", "pip", "install", "--quiet", "pytest", "-r", shipped / "requirements.txt"],
        [tmp_path / "venv/bin/python", shipped / "classify.py", "--self-test"],
        [tmp_path / "venv/bin/python", "-m", "pytest", "-q", shipped],
    ):
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=600, check=False, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
