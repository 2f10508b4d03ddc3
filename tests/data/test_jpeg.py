"""JPEG files without their end, which stay out with a reason, and very large ones, which are read at little cost."""

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from edgetl.data import jpeg
from edgetl.data.decode import BadImage, decode
from edgetl.data.index import DataIndex
from edgetl.data.sources import find
from tests.data.conftest import contract, encode, fill, scene

NOISY = np.clip(scene(120, 160).astype(int) + np.random.default_rng(0).integers(-20, 21, (120, 160, 3)), 0, 255).astype(np.uint8)
KINDS = {
    "baseline": {},
    "optimized": {"optimize": True, "subsampling": 0},
    "progressive": {"progressive": True},
    "with restarts": {"restart_marker_blocks": 3},
    "grey": {"mode": "L"},
    "grey, progressive": {"mode": "L", "progressive": True},
    "cmyk": {"mode": "CMYK"},
}


def made(kind: str, seed: int = 0) -> bytes:
    return encode(np.roll(NOISY, 7 * seed, axis=1), "JPEG", **KINDS[kind])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cut", [1, 2])
def test_a_file_that_lacks_only_its_end_marker_stays_out_with_a_remedy(kind: str, cut: int) -> None:
    """Apps refuse it or show something else; with the marker the pixels are the same as before."""
    for seed in range(4):
        data = made(kind, seed)
        with pytest.raises(BadImage, match=r"its end marker is missing.* nothing is lost: open it and save it again"):
            decode(data[:-cut], contract(32))
        for mended in (data[:-cut] + jpeg.END, data + b"\0appended", data + data):
            assert (decode(mended, contract(32)) == decode(data, contract(32))).all()


@pytest.mark.parametrize("kind", KINDS)
def test_what_lacks_more_stays_out(kind: str) -> None:
    """Cut anywhere: also between two scans, where libjpeg shows a coarse image without a word."""
    data = made(kind)
    scans = [place - 1 for place in range(len(data)) if data[place : place + 2] in (b"\xff\xda", b"\xff\xc4")]
    restarts = [place for place in range(len(data)) if data[place] == 0xFF and 0xD0 <= data[place + 1 : place + 2][0] <= 0xD7]
    places = {*(len(data) - cut for cut in range(3, 40)), *range(700, len(data) - 2, 97), *scans, *restarts}
    for place in sorted(place for place in places if place > 2):
        with pytest.raises(BadImage, match=r"(?i)truncated|not a JPEG"):
            decode(data[:place], contract(32))


def test_a_file_without_its_end_is_listed(tmp_path: Path, read, caplog: pytest.LogCaptureFixture) -> None:
    data = fill(tmp_path / "data", {"a": 20, "b": 20})
    (data / "a" / "open.jpg").write_bytes(made("baseline")[:-2])
    (data / "b" / "half.jpg").write_bytes(made("baseline")[:-500])
    index = DataIndex.of(read(find(str(data))))
    assert [one.name for one in index.rejected] == ["a/open.jpg", "b/half.jpg"]
    assert "its end marker is missing" in index.rejected[0].reason
    assert index.rejected[1].reason == "truncated"
    assert index.rejected[0].reason in caplog.text
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False, "it would be set for all threads"


def test_the_limit_is_on_the_pixels_that_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encode(scene(400, 600), "JPEG")
    small = decode(data, contract(32))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)  # of 240,000, of which a quarter of the sides leaves 15,000, an eighth 3,750
    assert (decode(data, contract(16)) == decode(data, contract(16))).all()
    with pytest.raises(BadImage, match="more than 10000 pixels"):
        decode(data, contract(64))
    progressive = encode(scene(400, 600), "JPEG", progressive=True)
    with pytest.raises(BadImage, match="more than 20000 pixels in a progressive JPEG: save it as a baseline JPEG"):
        decode(progressive, contract(16))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 120_000)
    assert np.abs(decode(progressive, contract(32)).astype(int) - small).mean() < 1


def test_a_scan_of_one_colour_keeps_all_coefficients() -> None:
    data = made("baseline")
    place = data.index(b"\xff\xda")
    assert not jpeg.keeps_coefficients(data)
    assert jpeg.keeps_coefficients(data[: place + 2] + struct.pack(">HB", 8, 1) + data[place + 5 :])
    assert jpeg.keeps_coefficients(made("progressive"))
