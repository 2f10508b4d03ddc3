"""The finished run's bundle with names that a careless template would run."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edgetl.contract import Frame
from edgetl.devices.browser_runtimes import RUNTIMES, web_files
from edgetl.errors import DeviceError
from edgetl.micro import interpreter
from tests.conftest import Made, made_once
from tests.ship.repack import ended_in_float, of_another_input, of_several, recoloured, renamed, repacked, unsure
from tests.ship.targets.android_built import Built, built_in, make
from tests.ship.targets.android_tools import kotlin
from tests.ship.targets.web_host import CHROMIUM, chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def hostile(bundled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unsure of some of its golden images, too."""

    def change(files: dict[str, bytes]) -> None:
        renamed(files)
        unsure(files)

    return repacked(bundled, tmp_path_factory.mktemp("hostile") / "it's $HOME & \U0001f33b.edgetl", change)


@pytest.fixture(scope="session")
def web_runtimes() -> None:
    """The web runtimes' files in the user's cache."""
    try:
        for name in RUNTIMES:
            web_files(name, None, "tests")
    except DeviceError as error:
        if "npm" not in error.problem:
            raise
        pytest.skip(f"npm cannot fetch the web runtimes: {error.problem}")


@pytest.fixture(autouse=True)
def _needs_of_the_target(request: pytest.FixtureRequest) -> None:
    """For the tests over all targets."""
    target = request.node.callspec.params.get("target") if getattr(request.node, "callspec", None) else None
    if target == "web":
        request.getfixturevalue("web_runtimes")
    if target == "mcu" and interpreter.missing():
        pytest.skip(interpreter.missing())


@pytest.fixture(scope="session")
def coloured(hostile: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with golden images in colours."""

    def change(files: dict[str, bytes]) -> None:
        recoloured(files)
        unsure(files)

    return repacked(hostile, tmp_path_factory.mktemp("coloured") / "coloured.edgetl", change)


@pytest.fixture(scope="session")
def float_ended(bundled: Path, made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle with int8 models that end in a float softmax."""
    return repacked(bundled, tmp_path_factory.mktemp("floats") / "floats.edgetl", ended_in_float(made.run))


@pytest.fixture(scope="session")
def of_several_classes(bundled: Path, made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle with int8 models of several classes an image, whose golden images show none, one or two."""
    return repacked(bundled, tmp_path_factory.mktemp("several") / "several.edgetl", of_several(made.run))


@pytest.fixture(scope="session")
def of_other_inputs(hostile: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Bundles of models that take other inputs than squares in colour: wide ones, and grey ones that are stretched."""
    frames = {"wide": Frame(24, 60), "grey": Frame(40, 28, "gray", "none")}
    folder = tmp_path_factory.mktemp("inputs")
    return {name: repacked(hostile, folder / f"{name}.edgetl", of_another_input(frame)) for name, frame in frames.items()}


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    if not CHROMIUM:
        pytest.skip("there is no Chromium (apt-get install chromium)")
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def web_apps(coloured: Path, web_runtimes: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A fresh web app by its runtime."""
    from edgetl.pipeline.ship.app import AppOptions, ship

    folder = tmp_path_factory.mktemp("web")
    for runtime in RUNTIMES:
        ship(coloured, "web", AppOptions(out=folder / runtime, runtime=runtime))
    return {runtime: folder / runtime for runtime in RUNTIMES}


@pytest.fixture(scope="session")
def built(hostile: Path, shared_folder: Path) -> Built:
    """The Android app in both runtimes, compiled once for all processes; tests change nothing in it."""
    compiler = kotlin()
    return built_in(compiler, made_once(shared_folder / "android", lambda folder: make(compiler, hostile, folder)))
