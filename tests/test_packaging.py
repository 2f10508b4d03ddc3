"""What is installed is all that the commands read."""

import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a wheel is made from."""
    tree = tmp_path_factory.mktemp("tree")
    for name in ("edgetl", "deploy"):
        shutil.copytree(ROOT / name, tree / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    return tree


@pytest.fixture(scope="module")
def wheel(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder), str(tree)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    [wheel] = folder.glob("*.whl")
    return wheel


def test_a_wheel_brings_every_file_that_is_read(tree: Path, wheel: Path) -> None:
    packed = set(zipfile.ZipFile(wheel).namelist())
    files = [path for top in ("edgetl", "deploy") for path in (tree / top).rglob("*") if path.is_file()]
    wanted = {path.relative_to(tree).as_posix() for path in files}
    wanted = {f"edgetl/{name}" if name.startswith("deploy/") else name for name in wanted}
    assert wanted <= packed, sorted(wanted - packed)
    assert len([name for name in wanted if name.startswith("edgetl/deploy/")]) > 3


def test_the_wheel_runs_in_an_environment_of_its_own(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With this environment's packages beside it, whose own edgetl is another one."""
    monkeypatch.delenv("PYTHONPATH", raising=False)
    place = tmp_path / "environment é"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True, timeout=120)
    [packages] = place.glob("lib/python*/site-packages")
    command = [sys.executable, "-m", "pip", "--python", place / "bin/python", "install", "--quiet", "--no-deps", wheel]
    subprocess.run(command, check=True, timeout=300)
    (packages / "others.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    for start in ([place / "bin/edgetl"], [place / "bin/python", "-m", "edgetl"]):
        for arguments in (["--version"], ["list", "targets"], ["show", "nothing"]):
            done = subprocess.run([*start, *arguments], capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path)
            assert done.returncode == (5 if arguments[0] == "show" else 0), done.stderr
            assert "Traceback" not in done.stderr
    where = "import edgetl, pathlib; print(pathlib.Path(edgetl.__file__).is_relative_to(pathlib.Path().resolve()))"
    assert subprocess.check_output([place / "bin/python", "-c", where], cwd=tmp_path, text=True, timeout=60) == "True\n"
