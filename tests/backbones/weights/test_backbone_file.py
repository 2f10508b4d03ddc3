"""Backbone files: what was pretrained comes back to the bit, and only into the network that it is of."""

import json
from pathlib import Path

import numpy as np
import pytest

from edgetl.backbones import BACKBONES
from edgetl.backbones.weights import backbone_file
from edgetl.backbones.weights import load as weights
from edgetl.errors import WeightsError
from tests.backbones.conftest import Build, normalized, randomize_norms

SMALL, V1 = BACKBONES.load("small_cnn"), BACKBONES.load("mobilenet_v1")
HEADER = {"backbone": "small_cnn", "alpha": 0.5}


@pytest.fixture
def file(build: Build, tmp_path: Path) -> Path:
    path = tmp_path / "a backbone ä.npz"
    backbone_file.save(path, build("small_cnn", 32), HEADER)
    return path


@pytest.mark.parametrize("name", ["small_cnn", "mobilenet_v1"])
def test_weights_come_back_at_any_image_size(name: str, tmp_path: Path) -> None:
    backbone = BACKBONES.load(name)
    alpha = min(backbone.alphas)
    trained, fresh, larger = backbone.build(alpha, 32), backbone.build(alpha, 32), backbone.build(alpha, 64)
    randomize_norms(trained, normalized(32))
    backbone_file.save(tmp_path / "made.npz", trained, {"backbone": name, "alpha": alpha})
    for model in (fresh, larger):
        weights.load(model, backbone, str(tmp_path / "made.npz"), alpha, 32)
        assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), trained.get_weights(), strict=True))
    np.testing.assert_array_equal(fresh(normalized(32)), trained(normalized(32)))


def test_another_alpha_or_backbone_is_a_message_that_names_both(file: Path, build: Build) -> None:
    with pytest.raises(WeightsError, match=r"holds small_cnn at alpha 0\.5, which does not match this backbone at alpha 1"):
        weights.load(SMALL.build(1.0, 32), SMALL, str(file), 1.0, 32)
    model = build("mobilenet_v1", 32)
    before = model.get_weights()
    with pytest.raises(
        WeightsError, match=r"holds small_cnn at alpha 0\.5, which does not match this backbone at alpha 0\.25\n.*--backbone"
    ):
        weights.load(model, V1, str(file), 0.25, 32)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_damaged_and_foreign_files_are_a_message(file: Path, build: Build, tmp_path: Path) -> None:
    whole = file.read_bytes()
    contents = {"cut": whole[: len(whole) // 2], "empty": b"", "text": b"no weights\n" * 9}
    for name, content in contents.items():
        (tmp_path / f"{name}.npz").write_bytes(content)
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    np.savez(tmp_path / "pickled.npz", header=np.array({"backbone": 1}, dtype=object))
    for name, header in (
        ("no_alpha", {"backbone": "x"}),
        ("newer", HEADER | {"schema": 9}),
        ("list", [1]),
        ("text_alpha", HEADER | {"alpha": "x"}),
    ):
        np.savez(tmp_path / f"{name}.npz", header=np.array(json.dumps(header)), weight0=np.zeros(3))
    for path in sorted(tmp_path.glob("*.npz")):
        if path != file:
            with pytest.raises(WeightsError, match=r"is not a backbone file: .*\n.*edgetl pretrain"):
                weights.load(build("small_cnn", 32), SMALL, str(path), 0.5, 32)


def test_damaged_bytes_never_end_in_a_traceback(file: Path, build: Build) -> None:
    model, random, whole = build("small_cnn", 32), np.random.default_rng(0), file.read_bytes()
    kept = model.get_weights()
    for _ in range(50):
        damaged = bytearray(whole)
        for place in random.integers(0, len(whole), 3):
            damaged[place] = random.integers(256)
        file.write_bytes(damaged)
        try:
            weights.load(model, SMALL, str(file), 0.5, 32)
        except WeightsError:
            continue
    model.set_weights(kept)
