"""The input contract: an image must reach the first layer in the same way everywhere, so nothing doubtful may pass for a contract."""

import json
import math
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest

from edgetl.contract import InputContract
from edgetl.errors import RunError

MOBILENET = InputContract(image_size=224, scale=1 / 127.5, zero_point=128, class_names=("cat", "dog"))


def test_normalizes_the_byte_grid_to_float32() -> None:
    """MobileNet's scale 1/127.5 and zero point 128: the byte itself is the quantized input."""
    pixels = np.array([0, 128, 255], np.uint8)
    real = MOBILENET.normalize(pixels)
    assert real.dtype == np.float32
    np.testing.assert_allclose(real, [-128 / 127.5, 0.0, 127 / 127.5], rtol=1e-6)
    assert (MOBILENET.low, MOBILENET.high) == pytest.approx((real[0], real[2]))


def test_byte_below_the_zero_point_does_not_wrap_around() -> None:
    """uint8 arithmetic would make 0 - 128 a positive 128."""
    assert MOBILENET.normalize(np.uint8(127)) < 0


@pytest.mark.parametrize(
    ("size", "box"),
    [((100, 100), (0, 0, 100, 100)), ((300, 200), (50, 0, 250, 200)), ((200, 301), (0, 50.5, 200, 250.5)), ((1, 3), (0, 1, 1, 2))],
)
def test_crop_is_the_central_square(size: tuple[int, int], box: tuple[float, ...]) -> None:
    assert MOBILENET.crop_box(*size) == box


def test_is_the_same_after_a_file(tmp_path: Path) -> None:
    contract = replace(MOBILENET, class_names=("Käfer", "鳥", "a b"))
    path = tmp_path / "contract.json"
    path.write_text(json.dumps(contract.to_dict()), encoding="utf-8")
    assert InputContract.load(path) == contract


def test_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        MOBILENET.image_size = 128


NONSENSE = {
    "image_size": [0, -1, 2.5, "224", None],
    "scale": [0.0, -1.0, math.nan, math.inf, "1"],
    "zero_point": [-1, 256, 1.5, None],
    "class_names": [[], ["one"], ["same", "same"], "ab", [1, 2], None],
    "crop": ["stretch"],
    "resize": ["nearest"],
    "channels": ["BGR"],
    "pixel_dtype": ["float32"],
    "schema": [2, None],
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in NONSENSE.items() for value in values])
def test_refuses_what_it_could_not_honour(key: str, value: object) -> None:
    """A file from elsewhere that asks for another crop, or a later schema, must not be read as if it asked for ours."""
    with pytest.raises(RunError, match="not an input contract"):
        InputContract.from_dict(MOBILENET.to_dict() | {key: value})


@pytest.mark.parametrize("key", ["image_size", "scale", "class_names", "crop", "input_name"])
def test_refuses_a_missing_value(key: str) -> None:
    values = MOBILENET.to_dict()
    del values[key]
    with pytest.raises(RunError, match=key):
        InputContract.from_dict(values)


@pytest.mark.parametrize("content", [b"", b"[1]", b"null", b"{", b"\xff\xfe\x00", b'{"class_names": 1}'])
def test_a_broken_file_is_a_clear_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "contract.json"
    path.write_bytes(content)
    with pytest.raises(RunError):
        InputContract.load(path)


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no contract"):
        InputContract.load(tmp_path / "contract.json")
    with pytest.raises(RunError):
        InputContract.load(tmp_path)
