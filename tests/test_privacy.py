"""ONNX Runtime keeps no identifier and no list of events: neither in edgetl, nor on a device, nor in the Linux app."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
QUIET = {"CI", "GITHUB_ACTIONS", "TF_BUILD", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS"}  # where it reports nothing by itself
PROGRAMS = {
    "edgetl": (ROOT, "import edgetl.export.onnx_optimizer"),
    "device": (ROOT / "edgetl" / "devices", "import engine_onnxruntime, onnxruntime"),
    "linux": (ROOT / "deploy" / "linux", "import edgetl_accelerators as app; app.openers('onnxruntime')"),
}


@pytest.mark.parametrize("where", PROGRAMS)
def test_onnx_runtime_writes_nothing_of_its_own(where: str, tmp_path: Path) -> None:
    folder, program = PROGRAMS[where]
    environment = {name: value for name, value in os.environ.items() if name not in QUIET and not name.startswith("XDG_")}
    homes = dict.fromkeys(("HOME", "TMPDIR"), str(tmp_path))
    command = [sys.executable, "-c", program]
    subprocess.run(command, cwd=folder, env={**environment, **homes, "PYTHONPATH": str(folder)}, check=True, timeout=120)
    assert not [path.name for path in tmp_path.rglob("*") if path.name in (".ses", "deviceid") or "onnxruntime" in path.name]
