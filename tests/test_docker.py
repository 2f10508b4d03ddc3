"""The image's definition: linted, and its steps run in an environment of their own, since no test can count on a Docker daemon."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

FILE = ROOT / "deploy/docker/Dockerfile"
TEXT = FILE.read_text(encoding="utf-8")
STEPS = [tuple(line.split(" ", 1)) for line in TEXT.replace("\\\n", "").splitlines() if line and not line.startswith("#")]


def test_the_definition_is_linted() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint is not installed: pip install edgetl[dev]")
    done = subprocess.run([hadolint, FILE], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


def test_it_copies_what_the_wheel_is_built_from() -> None:
    copied = {name for line in re.findall(r"^COPY (.+) \S+$", TEXT, re.M) for name in line.split() if "*" not in name}
    assert copied == {"pyproject.toml", "README.md", "constraints.txt", "edgetl", "deploy"}
    assert all((ROOT / name).exists() for name in copied)


@pytest.mark.slow
def test_its_steps_make_a_program_that_trains(tmp_path: Path) -> None:
    """All but the base image and the user: the installation takes minutes and 2.7 GB."""
    place, home = tmp_path / "root", tmp_path / "home"
    subprocess.run([sys.executable, "-m", "venv", place / "venv"], check=True, timeout=300)
    environment = {"PATH": f"{place / 'venv/bin'}:/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8"}
    home.mkdir()
    folder, entry = place, []
    for step, rest in STEPS:
        if step == "WORKDIR":
            folder = place / rest.lstrip("/")
            folder.mkdir(parents=True, exist_ok=True)
        elif step == "COPY":
            *names, into = rest.split()
            for path in [path for name in names for path in ROOT.glob(name)]:
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(path, folder / into, symlinks=True, ignore=ignored) if path.is_dir() else shutil.copy(path, folder / into)
        elif step == "RUN":
            pip, user = rest.split(" && ")
            assert user.startswith("useradd ")
            subprocess.run(["sh", "-ec", pip], check=True, timeout=1800, cwd=folder, env=environment | {"EXTRAS": ""} | _index())
        elif step == "ENTRYPOINT":
            entry = json.loads(rest)
    train = [*entry, "train", "digits", "--backbone", "small_cnn", "--weights", "none", "--image-size", "32", "--epochs", "1", "--no-qat"]
    done = subprocess.run([*train, "--json"], capture_output=True, text=True, timeout=600, check=False, cwd=folder, env=environment)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)


def _index() -> dict[str, str]:
    """Where this machine's pip finds packages."""
    return {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "REQUESTS_"))}
