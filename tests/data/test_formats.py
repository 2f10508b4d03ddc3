"""Every format of the one list is read everywhere, in the kinds that people have; of the other kinds the reason is clear."""

import struct
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from edgetl.data import formats
from edgetl.data.decode import BadImage, decode, prepare
from edgetl.data.folder import find
from edgetl.data.formats import ARE_READ, FORMATS, IMAGE_SUFFIXES, IN_NONE
from edgetl.data.index import DataIndex
from edgetl.errors import DataError
from edgetl.pipeline.predict import pixels_of
from edgetl.pipeline.project import Project
from edgetl.pipeline.train.stages import find_data
from edgetl.recipe import load
from edgetl.software import install, version_of
from tests.conftest import ROOT
from tests.data.conftest import contract, encode, fill, scene

PHOTO = Image.fromarray(scene(24, 40))
DEEP = np.arange(24 * 40, dtype=np.uint16).reshape(24, 40) * 68
# Lossy formats without loss, or as near to it as they come.
LOSSLESS = {"JPEG": {"quality": 100, "subsampling": 0}, "WebP": {"lossless": True}, "AVIF": {"quality": 100, "subsampling": "4:4:4"}}
LOSSLESS |= {"HEIC": {"quality": -1, "chroma": 444}}  # type: ignore[dict-item]


def pixels(data: bytes) -> np.ndarray:
    return decode(data, contract(24)).astype(int)


def oriented(turn: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = turn
    return exif.tobytes()


def tiff(values: np.ndarray, bits: int, photometric: int, order: str = "<", *, sample_format: int = 1, width: int = 0) -> bytes:
    """A TIFF of one strip, in kinds that Pillow does not write."""
    height, samples = values.shape[0], values.shape[2] if values.ndim == 3 else 1
    data = values.astype(values.dtype.newbyteorder(order)).tobytes() + struct.pack(f"{order}{samples}H", *[bits] * samples)
    depths = (258, samples, bits << (16 if order == ">" else 0) if samples == 1 else 8 + len(data) - 2 * samples)
    sizes = [(256, width or values.shape[1]), (257, height), (259, 1), (262, photometric), (273, 8), (277, samples), (278, height)]
    entries = sorted([depths, *((tag, 1, value) for tag, value in [*sizes, (279, len(data) - 2 * samples), (339, sample_format)])])
    tags = b"".join(struct.pack(f"{order}HHII", tag, 3 if tag == 258 else 4, count, value) for tag, count, value in entries)
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8 + len(data))
    return start + data + struct.pack(f"{order}H", len(entries)) + tags + bytes(4)


@pytest.mark.parametrize("name", [one.name for one in FORMATS])
@pytest.mark.parametrize("turn", [1, 5, 6])
def test_each_format_gives_the_same_pixels_upright(name: str, turn: int) -> None:
    if name in ("BMP", "GIF"):  # neither has EXIF, and a GIF has 256 colours
        assert np.abs(pixels(encode(PHOTO, name)) - pixels(encode(PHOTO))).mean() < (0.1 if name == "BMP" else 12)
        return
    data = encode(PHOTO, name, exif=oriented(turn), **LOSSLESS.get(name, {}))
    assert np.abs(pixels(data) - pixels(encode(PHOTO, exif=oriented(turn)))).mean() < 1.5


def test_the_list_is_the_one_everywhere(tmp_path: Path) -> None:
    """In suffixes, messages and the guide to images."""
    for suffix in IMAGE_SUFFIXES:
        (tmp_path / f"x{suffix.upper()}").write_bytes(encode(scene(10, 10)))
        (tmp_path / f"no{suffix}.txt").touch()
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert {one.name for one in find(str(tmp_path)).rejected} == {f"x{suffix.upper()}" for suffix in IMAGE_SUFFIXES}
    (tmp_path / "a" / "x").write_bytes(b"none")
    with pytest.raises(DataError) as caught:
        pixels_of(str(tmp_path / "a" / "x"), contract())
    assert caught.value.remedy == ARE_READ
    assert IN_NONE in caught.value.problem
    assert all(one.name in ARE_READ and one.name in IN_NONE for one in FORMATS)
    assert ARE_READ.removesuffix(" are read") in " ".join((ROOT / "docs" / "images.md").read_text(encoding="utf-8").split())


def test_pillow_reads_avif_and_tiff_itself() -> None:
    assert features.check("avif")
    assert features.check("libtiff")


@pytest.mark.parametrize("way", ["raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits"])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK", "RGBA", "P", "1"])
def test_tiff_in_every_usual_way(way: str, mode: str) -> None:
    kept = PHOTO.convert(mode)
    wanted = kept.convert("RGB") if mode == "CMYK" else kept
    assert (pixels(encode(kept, "TIFF", compression=way)) == pixels(encode(wanted))).all()


def test_tiff_gives_its_first_page() -> None:
    assert (pixels(encode(PHOTO, "TIFF", save_all=True, append_images=[Image.new("RGB", (99, 50))])) == pixels(encode(PHOTO))).all()


@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_of_16_bits(order: str) -> None:
    shown = np.round(DEEP / 257).astype(np.uint8)
    assert (pixels(tiff(DEEP, 16, 1, order)) == pixels(encode(shown))).all()
    # Of 16-bit colour Pillow keeps the high byte.
    colour = np.stack([DEEP, DEEP[::-1], DEEP[:, ::-1]], axis=2)
    assert np.abs(pixels(tiff(colour, 16, 2, order)) - pixels(encode(np.round(colour / 257).astype(np.uint8)))).max() <= 1
    assert (pixels(encode(Image.fromarray(DEEP), "TIFF", compression="tiff_lzw")) == pixels(encode(shown))).all()


def test_tiff_whose_zero_is_white_or_whose_values_have_12_bits() -> None:
    """Pillow gives these values as they are stored."""
    shown = np.round(DEEP / 257).astype(np.uint8)
    assert np.abs(pixels(tiff(65535 - DEEP, 16, 0)) - pixels(encode(shown))).max() == 0
    twelve = np.random.default_rng(0).integers(0, 4096, (24, 40), np.uint16)
    high, middle, low = twelve >> 8, twelve >> 4 & 15, twelve & 15
    digits = np.stack([high, middle, low], axis=2).reshape(24, -1).astype(np.uint8)
    packed = np.ascontiguousarray(digits[:, ::2] << 4 | digits[:, 1::2])
    data = tiff(packed, 12, 1, width=40)
    assert np.abs(pixels(data) - pixels(encode(np.round(twelve / 4095 * 255).astype(np.uint8)))).max() <= 1


ODD = {
    "floats": lambda: encode(Image.fromarray(np.linspace(0, 1, 960, dtype=np.float32).reshape(24, 40)), "TIFF"),
    "32 bits": lambda: encode(Image.fromarray(np.arange(960, dtype=np.int32).reshape(24, 40)), "TIFF"),
    "signed": lambda: tiff(DEEP.astype(np.int16), 16, 1, sample_format=2),
    "lab": lambda: encode(PHOTO, "TIFF", "LAB"),
    "a kind of its own": lambda: tiff(DEEP, 16, 9),
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_tiffs_have_a_clear_reason(kind: str) -> None:
    with pytest.raises(BadImage, match=r"its colour mode \w+ is not read: save it in RGB|a kind of TIFF that is not read: save it as PNG"):
        pixels(ODD[kind]())


def test_an_image_of_floats_that_is_open_already_is_refused_too() -> None:
    with pytest.raises(BadImage, match="its colour mode F is not read"):
        prepare(Image.fromarray(np.linspace(0, 1, 960, dtype=np.float32).reshape(24, 40)), contract())


def test_heic_without_its_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encode(PHOTO, "HEIC")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(BadImage) as caught:
        pixels(data)
    assert str(caught.value) == f"a HEIC image, which needs the Python package pillow-heif: {install('heic')}"


def test_what_was_read_without_the_package_is_read_again_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a run that goes on, and in its cache of pixels."""
    data = fill(tmp_path / "data", {"a": 12, "b": 12})
    (data / "a" / "phone.heic").write_bytes(encode(PHOTO, "HEIC"))
    recipe = load(None, (), {"data.source": str(data), "data.cache_memory_mib": 0})
    for images in (24, 25):
        with monkeypatch.context() as patch:
            if images == 24:
                patch.setitem(sys.modules, "pillow_heif", None)
                patch.setattr(formats, "version_of", without_heif)
            project = Project.create(recipe, tmp_path / "run")
            find_data(project)
        index = DataIndex.read(project.run.data)
        assert (len(index.images), len(index.rejected)) == (images, 25 - images)


def without_heif(package: str) -> str:
    return "" if package == "pillow-heif" else version_of(package)


def test_no_opener_is_registered_for_all_of_python(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels(encode(PHOTO, "HEIC"))
    with pytest.raises(OSError, match="cannot identify"):
        Image.open(BytesIO(encode(PHOTO, "HEIC")))
