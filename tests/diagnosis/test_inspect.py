"""What one file is like, and what is lost of it."""

import numpy as np
import pytest
from PIL import Image

from edgetl.contract import Contract
from edgetl.data.base import Item
from edgetl.diagnosis.inspect import Inspection, damage, inspect_image
from tests.data.conftest import encode, scene

CONTRACT = Contract.square(32, 1 / 255, 0, ("a", "b"))
PHOTO = encode(scene(240, 320) // 2 + np.random.default_rng(0).integers(0, 99, (240, 320, 3), np.uint8), "JPEG", quality=80)


def inspected(data: bytes) -> Inspection:
    return inspect_image(CONTRACT, Item("a.jpg", "a", None, lambda: data, "1"))


def test_size_is_upright_and_the_stored_mode_is_reported() -> None:
    exif = Image.Exif()
    exif[274] = 6
    facts = inspected(encode(scene(20, 60), "JPEG", exif=exif.tobytes())).facts
    assert facts is not None
    assert (facts.size, facts.mode, facts.orientation, facts.damage) == ((20, 60), "RGB", 6, "")
    for mode, kind in (("L", "PNG"), ("CMYK", "JPEG"), ("RGBA", "PNG"), ("P", "GIF"), ("L", "JPEG")):
        facts = inspected(encode(scene(40, 30), kind, mode)).facts
        assert facts is not None
        assert (facts.mode, facts.damage) == (mode, "")
    flat = inspected(encode(np.full((30, 30, 3), 77, np.uint8))).facts
    assert flat is not None
    assert flat.contrast == 0


def test_what_cannot_be_decoded_has_a_reason() -> None:
    for data in (b"", b"no image", PHOTO[: len(PHOTO) // 2]):
        outcome = inspected(data)
        assert outcome.facts is None
        assert outcome.reason


@pytest.mark.parametrize("progressive", [False, True])
def test_sound_files_have_no_damage(progressive: bool) -> None:
    data = encode(scene(240, 320), "JPEG", progressive=progressive)
    assert damage(data, "JPEG") == ""
    assert damage(data + bytes(5000), "JPEG") == "", "what phones append is no part of the image"


def test_holes_are_found_that_viewers_hide() -> None:
    middle = len(PHOTO) // 2
    zeros = PHOTO[:middle] + bytes(512) + PHOTO[middle + 512 :]
    missing = PHOTO[:middle] + PHOTO[middle + 512 :]
    noise = PHOTO[:middle] + np.random.default_rng(1).bytes(512) + PHOTO[middle + 512 :]
    assert "zeros" in damage(zeros, "JPEG")
    for data in (missing, noise):
        assert damage(data, "JPEG")
    png = bytearray(encode(scene(64, 64)))
    png[len(png) // 2] ^= 1
    assert damage(bytes(png), "PNG")
