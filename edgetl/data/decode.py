"""A picture file's bytes -> the contract's pixels. The only decoder: training, calibration and prediction all come through here."""

import struct
import zlib
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from edgetl.contract import InputContract

_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP")  # JPEG opens the MPO files of phones too, at their first picture

# How a picture is turned upright, by EXIF orientation (Exif 2.3, tag 0x0112); 1 is upright.
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


class BadPicture(Exception):
    """Bytes that are no usable picture; the message is the reason, short and without the file's name."""


def decode(data: bytes, contract: InputContract) -> NDArray[np.uint8]:
    """uint8 [S, S, 3] RGB with S = contract.image_size: upright, flattened onto white, cropped, resized with antialiasing.

    Of an animation it is the first frame. Raises BadPicture, and nothing else, when the bytes are no such picture.
    """
    return fit(whole(data, contract.image_size), contract)


def whole(data: bytes, image_size: int) -> Image.Image:
    """The picture uncropped, upright, RGB; where it is much larger than `image_size` pixels, perhaps reduced to twice that."""
    if not data:
        raise BadPicture("the file is empty")
    try:
        return _flatten(_upright(_open(data, image_size)))
    except UnidentifiedImageError:
        raise BadPicture(_unidentified(data)) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadPicture(_too_large()) from None
    except _DAMAGED as error:
        raise BadPicture(f"damaged: {error or type(error).__name__}") from error


def fit(picture: Image.Image, contract: InputContract) -> NDArray[np.uint8]:
    """uint8 [S, S, 3], not to be written to: the central square of an upright RGB picture, resized."""
    size = (contract.image_size, contract.image_size)
    # Pillow's BILINEAR widens its filter with the reduction (a triangle over all source pixels): it is antialiased.
    return np.asarray(picture.resize(size, Image.Resampling.BILINEAR, box=contract.crop_box(*picture.size)))


def _open(data: bytes, image_size: int) -> Image.Image:
    picture = Image.open(BytesIO(data), formats=_FORMATS)
    # Image.open only warns between the limit and twice the limit: 89 million pixels are no training picture either way.
    if Image.MAX_IMAGE_PIXELS is not None and picture.width * picture.height > Image.MAX_IMAGE_PIXELS:
        raise BadPicture(_too_large())
    # libjpeg can decode at 1/2, 1/4 or 1/8 size in a fraction of the time. Twice the target's size must remain, so that the
    # antialiasing filter still averages and the result differs from a full decode by about one level (tests/data/test_decode.py).
    picture.draft(None, (2 * image_size, 2 * image_size))
    picture.load()
    return picture


def _upright(picture: Image.Image) -> Image.Image:
    try:
        orientation = picture.getexif().get(ExifTags.Base.Orientation)
    except _DAMAGED:
        orientation = None  # damaged metadata around sound pixels: shown as stored, as viewers do
    turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    return picture if turn is None else picture.transpose(turn)


def _flatten(picture: Image.Image) -> Image.Image:
    """Any mode -> 8-bit RGB, transparent parts on white."""
    if picture.mode.startswith("I"):
        return _from_16_bits(picture).convert("RGB")
    if not picture.has_transparency_data:
        return picture if picture.mode == "RGB" else picture.convert("RGB")
    rgba = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")


def _from_16_bits(picture: Image.Image) -> Image.Image:
    """16-bit grayscale -> 8 bits. Pillow's own conversion clips at 255, which turns nearly every picture white.

    (Of 16-bit colour Pillow keeps the high byte: at most one level from the rounding here.)
    """
    values = np.asarray(picture).astype(np.uint32)
    values[values == picture.info.get("transparency", -1)] = 65535
    return Image.fromarray(((values + 128) // 257).astype(np.uint8))  # 65535 = 255 * 257: rounded to the nearest level


def _unidentified(data: bytes) -> str:
    if data[4:8] == b"ftyp":
        return "a HEIC or AVIF picture or a film: convert it to JPEG"
    return "not a JPEG, PNG, BMP, GIF or WebP picture"


def _too_large() -> str:
    return f"more than {Image.MAX_IMAGE_PIXELS} pixels"
