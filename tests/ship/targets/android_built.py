"""The Android app in both runtimes, compiled together with the stubs and the desktop's driver."""

from dataclasses import dataclass
from pathlib import Path

from edgetl.pipeline.ship.app import app_files
from edgetl.ship import archive
from edgetl.ship.targets import android
from edgetl.ship.targets.base import App
from tests.ship.targets.android_tools import STUBS, Kotlin, linked

PACKAGES = {"litert": "com.example.classifier", "onnxruntime": "com.example.other"}  # the driver is in the first


@dataclass(frozen=True)
class Built:
    """A fresh app for each runtime, their linked APKs, and the classes of both."""

    compiler: Kotlin
    apps: dict[str, Path]
    apks: dict[str, Path]
    jar: Path


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def fresh(bundle: Path, runtime: str, package: str) -> dict[str, bytes]:
    manifest, files = archive.read(bundle)
    model = next(name for name, facts in manifest.models.items() if facts.runtime == runtime)
    return dict(app_files(android.TARGET, App(manifest, runtime, model, package), files))


def data(folder: Path, app: Path) -> Path:
    """A copy of the assets, to be changed."""
    assets = app / f"app/{android._ASSETS}"
    return write(folder, {path.relative_to(assets).as_posix(): path.read_bytes() for path in assets.rglob("*") if path.is_file()})


def make(compiler: Kotlin, bundle: Path, root: Path) -> None:
    """One run of the compiler for both runtimes and the desktop's driver."""
    there = built_in(compiler, root)
    for runtime, app in there.apps.items():
        write(app, fresh(bundle, runtime, PACKAGES[runtime]))
        linked(app, root / f"{runtime}-apk", PACKAGES[runtime], "-0", ".tflite", "-0", ".onnx")
    sources = [path for folder in (STUBS, *there.apps.values()) for path in folder.rglob("*.kt")]
    code, said = compiler.compile([*sources, *(apk.parent / "gen" for apk in there.apks.values())], there.jar)
    assert code == 0, said


def built_in(compiler: Kotlin, root: Path) -> Built:
    apks = {runtime: root / f"{runtime}-apk/linked.apk" for runtime in PACKAGES}
    return Built(compiler, {runtime: root / runtime for runtime in PACKAGES}, apks, root / "app.jar")
