"""An image file's bytes -> the contract's pixels, and pixels -> a file. The only decoder: training, calibration and prediction use it."""

import math
import struct
import zlib
from collections.abc import Sequence
from io import BytesIO
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image
from PIL.JpegImagePlugin import JpegImageFile

from edgetl.contract import Contract
from edgetl.data import jpeg
from edgetl.data.formats import UnknownFormat, opened

# Colour modes of which it is known what the values mean. Not here: floats and 32 bits, whose range no file names, and LAB.
_MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "I;16", "I;16L", "I;16B", "I;16N")
_BITS, _PHOTOMETRIC, _TILE_WIDTH, _TILE_HEIGHT = 258, 262, 322, 323  # tags of a TIFF file
_WHITE_IS_ZERO = 0  # of the photometric interpretation
# Chromium 156 refuses such a file, as Pillow does. Skia, which Android decodes with, leaves its last rows black. Of iOS nothing is known.
_END_IS_MISSING = "its end marker is missing, and apps refuse such a file or cut it; nothing is lost: open it and save it again"
_MOST_PIXELS_A_BYTE = 512  # of a JPEG: a block of 64 takes a bit or more

# How an image is turned upright, by EXIF orientation (Exif 2.3, tag 0x0112); 1 is upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# What Pillow's parsers let through on damaged bytes, found by fuzzing and in its issues; it promises no common class.
# Warning: of damaged metadata, when Python runs with -W error.
_DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    RuntimeError,
    EOFError,
    MemoryError,
    struct.error,
    zlib.error,
    Warning,
)


class BadImage(Exception):
    """Bytes that are not a usable image; the message is the reason, short and without the file's name."""


def decode(data: bytes, contract: Contract) -> NDArray[np.uint8]:
    """uint8 [H, W, C] of the contract's size: upright, flattened onto white, cropped, resized with antialiasing.

    Of several images in a file it is the first. Raises BadImage, and nothing else, when the bytes are not such an image.
    """
    [pixels] = decode_sizes(data, [contract])
    return pixels


def decode_sizes(data: bytes, contracts: Sequence[Contract]) -> list[NDArray[np.uint8]]:
    """Return what `decode` makes of each contract; where libjpeg reduces an image alike for several, it is decoded once."""
    decoded: dict[tuple[int, int], Image.Image] = {}
    return [crop_and_resize(open_image(data, max(contract.height, contract.width), decoded), contract) for contract in contracts]


def as_image(pixels: NDArray[np.uint8]) -> Image.Image:
    """Return uint8 [H, W, C] as an image: grey of one channel, RGB of three."""
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """uint8 [H, W] or [H, W, 3] as a PNG file. Uncompressed, so that its sha256, and with it the split, is the same with every zlib."""
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=0)
    return file.getvalue()


def prepare(image: Image.Image, contract: Contract) -> NDArray[np.uint8]:
    """Return uint8 [H, W, C] of an image that is opened already, in the way of `decode`. Raises BadImage when it is damaged.

    A large JPEG file can differ from what `decode` makes of it by about one level: `decode` lets libjpeg reduce it first.
    """
    try:
        image.load()
        return crop_and_resize(_flatten(_upright(image)), contract)
    except _DAMAGED as error:
        raise BadImage(f"damaged: {error or type(error).__name__}") from error


def open_image(data: bytes, image_size: int, decoded: dict[tuple[int, int], Image.Image] | None = None) -> Image.Image:
    """Return the image uncropped, upright, RGB; where it is much larger than `image_size` pixels, perhaps reduced to twice that.

    Args:
        decoded: what was made of the same data, by its size as stored; it is taken from there, or added.
    """
    if not data:
        raise BadImage("the file is empty")
    decoded = {} if decoded is None else decoded
    try:
        image = _open(data, image_size)
        stored = image.size
        if stored not in decoded:
            image.load()
            decoded[stored] = _flatten(_upright(image))
        return decoded[stored]
    except UnknownFormat as error:
        raise BadImage(str(error)) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadImage(_too_large()) from None
    except _DAMAGED as error:
        raise BadImage(f"damaged: {error or type(error).__name__}") from error


def crop_and_resize(image: Image.Image, contract: Contract) -> NDArray[np.uint8]:
    """uint8 [H, W, C], not to be written to: what the contract takes of an upright RGB image."""
    height, width, channels = contract.shape
    # Pillow's BILINEAR widens its filter with the reduction (a triangle over all source pixels): it is antialiased.
    resized = image.resize((width, height), Image.Resampling.BILINEAR, box=contract.crop_box(*image.size))
    return np.asarray(resized if channels == 3 else resized.convert("L")).reshape(height, width, channels)


def _open(data: bytes, image_size: int) -> Image.Image:
    """Return an image of which the header was read, in the size that it is decoded to; the limit on pixels is on that."""
    image = opened(data)
    if isinstance(image, JpegImageFile):
        _check_jpeg(data, image.width * image.height)
        if jpeg.lacks_end(data):
            _refuse(_END_IS_MISSING if jpeg.is_whole_but_for_its_end(data) else "truncated")
        # libjpeg can decode at 1/2, 1/4 or 1/8 size in a fraction of the time. Twice the target's size must remain, so that the
        # antialiasing filter still averages and the result differs from a full decode by about one level (tests/data/test_decode.py).
        image.draft(None, (2 * image_size, 2 * image_size))
    tags = getattr(image, "tag_v2", {})
    if max(image.width * image.height, tags.get(_TILE_WIDTH, 0) * tags.get(_TILE_HEIGHT, 0)) > _most_pixels():
        _refuse(_too_large())  # a tile of a TIFF file may be larger than its image
    return image


def _check_jpeg(data: bytes, pixels: int) -> None:
    """Refuse a large JPEG file that would cost memory although libjpeg reduces it: one of few bytes, or kept in memory as coefficients."""
    most = _most_pixels()
    if pixels > max(most, _MOST_PIXELS_A_BYTE * len(data)):
        _refuse("truncated: too short for its size")
    if pixels > 2 * most and jpeg.keeps_coefficients(data):
        _refuse(f"more than {2 * most} pixels in a progressive JPEG: save it as a baseline JPEG")


def _most_pixels() -> float:
    """Return Pillow's limit, where Image.open begins to warn."""
    return math.inf if Image.MAX_IMAGE_PIXELS is None else Image.MAX_IMAGE_PIXELS


def _refuse(reason: str) -> NoReturn:
    raise BadImage(reason)


def _upright(image: Image.Image) -> Image.Image:
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except _DAMAGED:
        orientation = None  # damaged metadata around sound pixels: shown as stored, as viewers do
    turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    return image if turn is None else image.transpose(turn)


def _flatten(image: Image.Image) -> Image.Image:
    """Any mode -> 8-bit RGB, transparent parts on white."""
    if image.mode not in _MODES:
        _refuse(f"its colour mode {image.mode} is not read: save it in RGB, or in grey of 8 or 16 bits")
    if image.mode.startswith("I"):
        return _from_16_bits(image).convert("RGB")
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")


def _from_16_bits(image: Image.Image) -> Image.Image:
    """Grayscale of 16 bits, or of a TIFF's 12 -> 8 bits. Pillow's own conversion clips at 255, which turns nearly every image white.

    (Of 16-bit colour Pillow keeps the high byte: at most one level from the rounding here.)
    """
    tags = getattr(image, "tag_v2", {})
    most = 2 ** tags.get(_BITS, (16,))[0] - 1
    values = np.asarray(image).astype(np.uint32)
    values[values == image.info.get("transparency", -1)] = most
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        values = most - values
    return Image.fromarray(((255 * values + most // 2) // most).astype(np.uint8))  # rounded to the nearest level


def _too_large() -> str:
    return f"more than {Image.MAX_IMAGE_PIXELS} pixels"
