"""What is installed is all that the commands read."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.conftest import ROOT


def test_a_wheel_brings_every_file_that_is_read(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in ("edgetl", "deploy"):
        shutil.copytree(ROOT / name, tree / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(tmp_path), str(tree)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    [wheel] = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    files = [path for top in ("edgetl", "deploy") for path in (tree / top).rglob("*") if path.is_file()]
    wanted = {path.relative_to(tree).as_posix() for path in files}
    wanted = {f"edgetl/{name}" if name.startswith("deploy/") else name for name in wanted}
    assert wanted <= packed, sorted(wanted - packed)
    assert len([name for name in wanted if name.startswith("edgetl/deploy/")]) > 3
