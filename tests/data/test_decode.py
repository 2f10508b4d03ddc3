"""Every kind of image file becomes the contract's pixels, and everything else a short reason."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageFile, ImageOps

from edgetl.data.decode import BadImage, decode, decode_sizes
from tests.data.conftest import contract, encode, scene

COLOUR = (200, 60, 20)


def flat(size: tuple[int, int] = (20, 16)) -> Image.Image:
    return Image.new("RGB", size, COLOUR)


def png_16_bit(values: np.ndarray, colour_type: int) -> bytes:
    """A PNG of uint16 [H, W, C], which Pillow cannot write in colour."""
    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    chunks = [struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


# JPEG (and WebP) quantize the colour; 6 levels at quality 75 and above. PNG and BMP are exact; a GIF's palette here is exact too.
@pytest.mark.parametrize(
    ("file_format", "mode", "within"),
    [
        ("JPEG", "RGB", 6),
        ("MPO", "RGB", 6),
        ("PNG", "RGB", 0),
        ("PNG", "P", 0),
        ("PNG", "RGBA", 0),
        ("BMP", "RGB", 0),
        ("GIF", "RGB", 0),
        ("WEBP", "RGB", 6),
        ("WEBP", "RGBA", 6),
    ],
)
def test_formats_and_modes(file_format, mode, within):
    image = flat().convert(mode, palette=Image.Palette.ADAPTIVE)
    pixels = decode(encode(image, file_format), contract(8))
    assert pixels.shape == (8, 8, 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - COLOUR).max() <= within


def test_mpo_of_two_images_gives_the_first_and_jpeg_draft_works_on_it():
    data = encode(flat((256, 256)), "MPO", save_all=True, append_images=[Image.new("RGB", (256, 256), "blue")])
    assert Image.open(BytesIO(data)).format == "MPO"
    assert np.abs(decode(data, contract(8)).astype(int) - COLOUR).max() <= 6


def test_gif_gives_the_first_frame():
    data = encode(flat(), "GIF", save_all=True, append_images=[Image.new("RGB", (20, 16), "blue")], duration=100)
    assert (decode(data, contract(8)) == COLOUR).all()


def test_grayscale_and_bilevel():
    assert (decode(encode(Image.new("L", (9, 9), 77)), contract(4)) == 77).all()
    assert (decode(encode(Image.new("1", (9, 9), 1)), contract(4)) == 255).all()
    assert np.abs(decode(encode(Image.new("L", (9, 9), 77), "JPEG"), contract(4)).astype(int) - 77).max() <= 2


def test_cmyk_jpeg():
    pixels = decode(encode(flat(), "JPEG", mode="CMYK", quality=95), contract(8))
    assert np.abs(pixels.astype(int) - COLOUR).max() <= 6


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_composited_onto_white(mode):
    # Black at alpha 128 on white: 255 * (1 - 128 / 255) = 127.
    half_black = Image.new("RGBA", (8, 8), (0, 0, 0, 128)).convert(mode)
    assert (decode(encode(half_black), contract(4)) == 127).all()
    assert (decode(encode(Image.new("RGBA", (8, 8), (0, 0, 0, 0)).convert(mode)), contract(4)) == 255).all()


def test_transparent_palette_colour_is_white():
    image = Image.new("P", (8, 8), 0)
    image.putpalette([10, 20, 30])
    for file_format in ("PNG", "GIF"):
        assert (decode(encode(image, file_format, transparency=0), contract(4)) == 255).all()


def test_16_bit_grayscale_is_scaled_and_never_clipped():
    values = np.array([0, 128, 129, 1000, 32768, 65278, 65535], np.uint16)
    for value in values:
        expected = round(int(value) / 257)
        assert (decode(encode(np.full((8, 8), value, np.uint16)), contract(4)) == expected).all()
        assert (decode(png_16_bit(np.full((8, 8, 1), value), 0), contract(4)) == expected).all()


def test_16_bit_colour_is_within_a_level():
    # Pillow keeps the high byte; rounding value / 257 differs from it by at most 1.
    values = np.array([40000, 129, 65535], np.uint16)
    pixels = decode(png_16_bit(np.broadcast_to(values, (8, 8, 3)), 2), contract(4))
    assert np.abs(pixels - values / 257).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_honoured(orientation):
    """The same as Pillow's own exif_transpose, on an image that is not square, so that the crop comes after the turn."""
    stored = Image.fromarray(scene(24, 40))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(stored, "PNG", exif=exif)
    upright = ImageOps.exif_transpose(Image.open(BytesIO(data)))
    assert (decode(data, contract(24)) == decode(encode(upright), contract(24))).all()


def test_orientation_6_turns_clockwise():
    # What is stored as the left column is the top row of the upright image (Exif 2.3: row 0 is the right side, column 0 the top).
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[:, 0] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = decode(encode(pixels, exif=exif), contract(2))
    assert (upright[0] == 255).all()
    assert (upright[1] == 0).all()


def test_damaged_exif_does_not_spoil_the_image():
    data = encode(flat(), "JPEG", exif=b"Exif\0\0garbage that is no TIFF header")
    assert np.abs(decode(data, contract(8)).astype(int) - COLOUR).max() <= 6


def test_central_square_is_cropped():
    pixels = np.zeros((4, 8, 3), np.uint8)
    pixels[:, 2:6] = 255
    assert (decode(encode(pixels), contract(4)) == 255).all()


def test_resize_is_antialiased():
    # One-pixel stripes reduced 8-fold are gray; without antialiasing they would be 0 or 255. 3 levels: the triangle's rounded weights.
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(decode(encode(stripes), contract(8))[1:-1, 1:-1].astype(int) - 127.5).max() <= 3


def test_draft_is_close_to_the_full_decode():
    """JPEG's reduced decode averages 2x2 pixels or more and the filter averages the rest: 1 level in the mean, on smooth colour and noise.

    A wrong crop or a shifted grid (the mistakes that draft invites) costs several levels on such an image.
    """
    image = scene(610, 811, 3).astype(int) + np.random.default_rng(1).integers(-20, 21, (610, 811, 3))
    data = encode(np.clip(image, 0, 255).astype(np.uint8), "JPEG", quality=95)
    full = decode(encode(Image.open(BytesIO(data))), contract(64))  # as PNG: no draft
    difference = np.abs(decode(data, contract(64)).astype(int) - full)
    assert 0 < difference.mean() < 1.0
    assert difference.max() <= 8


def test_draft_is_not_used_below_twice_the_target():
    data = encode(scene(127, 127), "JPEG", quality=95)
    assert (decode(data, contract(64)) == decode(encode(Image.open(BytesIO(data))), contract(64))).all()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"hello, I am a text file\n" * 20, "not a JPEG"),
        (b"\0\0\0\x18ftypavif" + bytes(100), "a kind of AVIF that is not read"),
        (b"\0\0\0\x18ftypisom" + bytes(100), "a film"),
        (encode(scene(64, 64), "JPEG")[:900], "truncated"),
        (encode(scene(64, 64), "PNG")[:900], "damaged"),
        (b"II*\0" + bytes(100), "a kind of TIFF that is not read"),
        (b"\xff\xd8\xff", "not a JPEG"),
        (b"\xff\xd8\xff\xd9", "not a JPEG"),
    ],
)
def test_bad_images_have_reasons(data, reason):
    with pytest.raises(BadImage, match=reason) as caught:
        decode(data, contract(8))
    assert len(str(caught.value)) < 120
    assert "0x" not in str(caught.value)  # no address of an object: reasons are reproducible


@pytest.mark.parametrize("times", [1.5, 3])
@pytest.mark.filterwarnings("default::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("file_format", ["PNG", "BMP", "GIF", "WEBP", "TIFF", "AVIF", "HEIC"])
def test_decompression_bombs(monkeypatch, times, file_format):
    """Between the limit and twice the limit Pillow only warns, above it raises; both are bad here, whatever warnings do."""
    data = encode(Image.new("RGB", (int(20 * times), 50)), file_format)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(BadImage, match="more than 1000 pixels"):
        decode(data, contract(8))


@pytest.mark.filterwarnings("ignore")
def test_no_bytes_raise_anything_but_bad_image():
    rng = np.random.default_rng(0)
    image = Image.fromarray(scene(24, 24))
    exif = Image.Exif()
    exif[0x0112] = 6
    seeds = [encode(image, name, exif=exif) for name in ("JPEG", "PNG", "WEBP", "MPO")]
    seeds += [encode(image, name) for name in ("BMP", "GIF")]
    seeds += [encode(image, "PNG", mode=mode) for mode in ("P", "LA", "1")] + [encode(image, "JPEG", mode="CMYK", progressive=True)]
    seeds += [png_16_bit(scene(9, 9).astype(np.uint16) * 257, 2), encode(image, "GIF", save_all=True, append_images=[image])]
    good, reasons = 0, []
    for data in seeds:
        for _ in range(120):
            mutated = bytearray(data[: rng.integers(1, len(data) + 1)] if rng.random() < 0.3 else data)
            for _ in range(rng.integers(1, 9)):
                # Half of the hits go to the header, where the parsers are.
                mutated[rng.integers(0, min(len(mutated), 80 if rng.random() < 0.5 else len(mutated)))] = rng.integers(0, 256)
            try:
                assert decode(bytes(mutated), contract(8)).shape == (8, 8, 3)
                good += 1
            except BadImage as error:
                reasons.append(str(error))
    assert all(reasons)
    assert min(good, len(reasons)) > 100  # the loop saw both sides


@pytest.mark.parametrize("size", [(900, 700), (420, 300), (90, 120), (3000, 400)])
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_sizes_that_are_decoded_together_are_those_decoded_apart(size, form):
    """Where libjpeg reduces both alike, and where it does not."""
    data, contracts = encode(scene(*size), form), [contract(pixels) for pixels in (96, 120, 8)]
    for pixels, one in zip(decode_sizes(data, contracts), contracts, strict=True):
        assert np.array_equal(pixels, decode(data, one))


def test_an_image_is_decoded_once_for_several_sizes(monkeypatch):
    loaded = []
    load = ImageFile.ImageFile.load
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: (loaded.append(self), load(self))[1])
    decode_sizes(encode(scene(300, 240), "JPEG"), [contract(128), contract(140)])
    assert len({id(image) for image in loaded}) == 1
