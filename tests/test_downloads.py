"""Nothing comes from a network at run time but by the named doors, and nothing that comes is used before its hash was looked at."""

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import edgetl
from edgetl.backbones import BACKBONES
from edgetl.backbones.base import Backbone, ImagenetFile
from edgetl.backbones.weights import load as weights
from edgetl.backbones.weights import pins
from edgetl.devices.browser_runtimes import RUNTIMES
from edgetl.errors import WeightsError

ROOT = Path(edgetl.__file__).parent
# Where something is fetched, and what in that file or behind it compares the hash.
DOORS = {
    "keras.py": "download",  # backbones/weights/load.py passes it through pins.checked, data/downloaded.py compares the publisher's hash
    "fetch.py": "fetch",  # devices/native.py must be given a sha256 in the devices file, ship/gradle.py has one of each file in the code
    "devices/browser_runtimes.py": "unpack",  # each npm package has its sha256 in the code
}
_FETCHES = re.compile(r"\b(urlopen|urlretrieve|get_file|HTTPS?Connection|create_connection|requests\.\w+|git clone)\b|\"npm\", \"pack\"")


def test_only_the_doors_fetch() -> None:
    fetching = {path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py") if _FETCHES.search(path.read_text(encoding="utf-8"))}
    assert fetching == set(DOORS), "a download needs a hash: see tests/test_downloads.py"


@pytest.mark.parametrize("name", [name for name in DOORS if (ROOT / name).exists()])
def test_a_door_is_where_it_is_said_to_be(name: str) -> None:
    tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
    assert DOORS[name] in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_hash_is_a_sha256() -> None:
    named = {
        file.name
        for name in BACKBONES
        for alpha in BACKBONES.load(name).alphas
        for size in (32, 128, 224)
        for file in (BACKBONES.load(name).imagenet_files or (lambda alpha, size: []))(alpha, size)
    }
    assert set(pins.KNOWN) <= named, "a hash of a file that nobody asks for"
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in pins.KNOWN.values())
    assert all(re.fullmatch("[0-9a-f]{64}", package.sha256) for packages in RUNTIMES.values() for package in packages)


def test_the_known_hashes_are_those_of_the_real_files(shared_data: Callable[[str], Path]) -> None:
    found = [path for path in shared_data("weights").iterdir() if path.name in pins.KNOWN]
    assert len(found) == 4
    assert all(pins.checked(path) == path for path in found)


def backbone_with(path: Path) -> Backbone:
    import dataclasses

    return dataclasses.replace(BACKBONES.load("mobilenet_v1"), imagenet_files=lambda alpha, size: [ImagenetFile(path.name, lambda: path)])


def test_a_known_file_must_be_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(weights.WEIGHTS_DIR, raising=False)
    path = tmp_path / "mobilenet_2_5_224_tf_no_top.h5"
    path.write_bytes(b"something else")
    with pytest.raises(WeightsError, match="was changed or damaged"):
        weights.obtain(backbone_with(path), 0.25, 224)


def test_another_must_stay_what_it_first_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.delenv(weights.WEIGHTS_DIR, raising=False)
    path = tmp_path / "mobilenet_7_5_224_tf_no_top.h5"
    path.write_bytes(b"first")
    for _ in range(2):
        assert weights.obtain(backbone_with(path), 0.75, 224) == path
    assert caplog.text.count("has no hash known to edgetl") == 1
    path.write_bytes(b"second")
    with pytest.raises(WeightsError, match="was changed or damaged"):
        weights.obtain(backbone_with(path), 0.75, 224)
