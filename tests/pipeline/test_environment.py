"""`edgetl env` can be pasted into a public issue."""

import getpass
import json
import os
import re
import socket
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

SECRETS = {
    "HOME": "/home/zebedee-quux",
    "USER": "zebedee-quux",
    "LOGNAME": "zebedee-quux",
    "HOSTNAME": "quux-laptop",
    "MLFLOW_TRACKING_PASSWORD": "hunter2-secret",
    "HF_TOKEN": "hf_secret_token",
    "HTTPS_PROXY": "http://quux-proxy:3128",
    "EDGETL_WEIGHTS_DIR": "/home/zebedee-quux/weights",
    "LD_LIBRARY_PATH": "/home/zebedee-quux/lib",
    "CUDA_VISIBLE_DEVICES": "-1",
}


# The command twice in one process: as text, then as JSON.
BOTH = """
import sys
from edgetl.cli.app import main
for words in ([], ["--json"]):
    sys.argv = ["edgetl", "env", *words]
    try:
        main()
    except SystemExit as stop:
        assert not stop.code
    print("=====")
"""


def test_it_says_what_is_needed_and_nothing_private(tmp_path: Path) -> None:
    command = [sys.executable, "-c", BOTH]
    done = subprocess.run(command, env=os.environ | SECRETS, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    text, as_json, _ = done.stdout.split("=====\n")
    for said in (text, as_json):
        assert version("tensorflow") in said
        assert "EDGETL_WEIGHTS_DIR" in said, "that it is set matters, where it points does not"
    private = [*SECRETS.values(), "zebedee", "quux", "secret", str(tmp_path), sys.prefix, str(Path.home()) + "/"]
    private += [name for name in (socket.gethostname(), getpass.getuser()) if len(name) > 4]
    private.remove("-1")
    assert not [word for word in private if word in done.stdout + done.stderr]
    document = json.loads(as_json)
    assert document["cpu"]["cores"] == (os.cpu_count() or 1)
    assert "CUDA_VISIBLE_DEVICES" in document["switches_set"]


def test_it_knows_the_packages_of_the_extras() -> None:
    from edgetl.pipeline.environment import _FURTHER

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {name: packages for name, packages in project["optional-dependencies"].items() if name not in ("cuda", "docs", "dev")}
    named = {name for packages in extras.values() for package in packages for name in re.findall(r"^[\w-]+", package)}
    assert named
    assert not named - set(_FURTHER), "versions that a bug report lacks"


def test_a_broken_tensorflow_is_told_and_not_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    from edgetl.pipeline import environment

    monkeypatch.setitem(sys.modules, "edgetl.keras", None)  # an import of it fails
    assert environment.environment().trains_on == "TensorFlow cannot be imported (ModuleNotFoundError)"
