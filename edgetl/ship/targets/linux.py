"""A folder that classifies with one Python file."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from edgetl.ship.targets.base import App, Target, template

_REQUIREMENTS = {"litert": "ai-edge-litert>=2.1,<3", "onnxruntime": "onnxruntime>=1.23,<2"}
_TESTS = "test"  # the folder with the self-test for pytest, which a release leaves behind
_PART = "edgetl_classifier"  # the folder in an existing app


def _files(app: App, into: Path | None) -> Mapping[str, bytes]:
    requirements = f"{_REQUIREMENTS[app.runtime]}\npillow>=11.3,<13\n".encode()
    files = template("linux") | {"requirements.txt": requirements}
    return {f"{_PART}/{name}": content for name, content in files.items()} if into else files


def _data(into: Path | None) -> str:
    return f"{_PART}/model" if into else "model"


def _steps(app: App, root: Path, into: Path | None) -> str:
    folder = root / _PART if into else root
    requirements, program = (shlex.quote(str(folder / name)) for name in ("requirements.txt", "classify.py"))
    return f"next: pip install -r {requirements}, then python {program} --self-test"


TARGET = Target(("litert", "onnxruntime"), _files, _data, _steps, lambda into: f"{_PART}/{_TESTS}" if into else _TESTS)
