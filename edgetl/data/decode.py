"""An image file's bytes -> the contract's pixels, and pixels -> a file. The only decoder: training, calibration and prediction use it."""

import struct
import zlib
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from edgetl.contract import Contract

_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP")  # JPEG opens the MPO files of phones too, at their first image

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
    """Bytes that are no usable image; the message is the reason, short and without the file's name."""


def decode(data: bytes, contract: Contract) -> NDArray[np.uint8]:
    """uint8 [H, W, 3] RGB of the contract's size: upright, flattened onto white, cropped, resized with antialiasing.

    Of an animation it is the first frame. Raises BadImage, and nothing else, when the bytes are no such image.
    """
    return crop_and_resize(open_image(data, contract.height), contract)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """uint8 [H, W] or [H, W, 3] as a PNG file. Uncompressed, so that its sha256, and with it the split, is the same with every zlib."""
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=0)
    return file.getvalue()


def prepare(image: Image.Image, contract: Contract) -> NDArray[np.uint8]:
    """Return uint8 [H, W, 3] of an image that is opened already, in the way of `decode`. Raises BadImage when it is damaged.

    A large JPEG file can differ from what `decode` makes of it by about one level: `decode` lets libjpeg reduce it first.
    """
    try:
        image.load()
        return crop_and_resize(_flatten(_upright(image)), contract)
    except _DAMAGED as error:
        raise BadImage(f"damaged: {error or type(error).__name__}") from error


def open_image(data: bytes, image_size: int) -> Image.Image:
    """Return the image uncropped, upright, RGB; where it is much larger than `image_size` pixels, perhaps reduced to twice that."""
    if not data:
        raise BadImage("the file is empty")
    try:
        return _flatten(_upright(_open(data, image_size)))
    except UnidentifiedImageError:
        raise BadImage(_unidentified(data)) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadImage(_too_large()) from None
    except _DAMAGED as error:
        raise BadImage(f"damaged: {error or type(error).__name__}") from error


def crop_and_resize(image: Image.Image, contract: Contract) -> NDArray[np.uint8]:
    """uint8 [S, S, 3], not to be written to: the central square of an upright RGB image, resized."""
    size = (contract.width, contract.height)
    # Pillow's BILINEAR widens its filter with the reduction (a triangle over all source pixels): it is antialiased.
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR, box=contract.crop_box(*image.size)))


def _open(data: bytes, image_size: int) -> Image.Image:
    image = Image.open(BytesIO(data), formats=_FORMATS)
    # Image.open only warns between the limit and twice the limit: 89 million pixels are no training image either way.
    if Image.MAX_IMAGE_PIXELS is not None and image.width * image.height > Image.MAX_IMAGE_PIXELS:
        raise BadImage(_too_large())
    # libjpeg can decode at 1/2, 1/4 or 1/8 size in a fraction of the time. Twice the target's size must remain, so that the
    # antialiasing filter still averages and the result differs from a full decode by about one level (tests/data/test_decode.py).
    image.draft(None, (2 * image_size, 2 * image_size))
    image.load()
    return image


def _upright(image: Image.Image) -> Image.Image:
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except _DAMAGED:
        orientation = None  # damaged metadata around sound pixels: shown as stored, as viewers do
    turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    return image if turn is None else image.transpose(turn)


def _flatten(image: Image.Image) -> Image.Image:
    """Any mode -> 8-bit RGB, transparent parts on white."""
    if image.mode.startswith("I"):
        return _from_16_bits(image).convert("RGB")
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")


def _from_16_bits(image: Image.Image) -> Image.Image:
    """16-bit grayscale -> 8 bits. Pillow's own conversion clips at 255, which turns nearly every image white.

    (Of 16-bit colour Pillow keeps the high byte: at most one level from the rounding here.)
    """
    values = np.asarray(image).astype(np.uint32)
    values[values == image.info.get("transparency", -1)] = 65535
    return Image.fromarray(((values + 128) // 257).astype(np.uint8))  # 65535 = 255 * 257: rounded to the nearest level


def _unidentified(data: bytes) -> str:
    if data[4:8] == b"ftyp":
        return "a HEIC or AVIF image or a film: convert it to JPEG"
    return "not a JPEG, PNG, BMP, GIF or WebP image"


def _too_large() -> str:
    return f"more than {Image.MAX_IMAGE_PIXELS} pixels"
