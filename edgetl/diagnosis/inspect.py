"""Inspect an image file: size, colour mode, orientation, damage, a thumbnail."""

import hashlib
import re
import warnings
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from edgetl.contract import Contract
from edgetl.data import jpeg
from edgetl.data.base import Item, reason
from edgetl.data.decode import BadImage, crop_and_resize, open_image
from edgetl.data.formats import opened
from edgetl.diagnosis.base import ImageFacts

THUMBNAIL_PX = 48
_START_OF_SCAN = b"\xff\xda"
_LOST_BLOCK = re.compile(rb"\x00{256}")  # the longest in 3670 sound files has 191; a disk's lost sector has 512


@dataclass(frozen=True)
class Inspection:
    """Facts about a usable image and its pixels uint8 [S, S, 3], or the reason why it cannot be used."""

    facts: ImageFacts | None = None
    pixels: NDArray[np.uint8] | None = None
    reason: str = ""


def inspect_image(contract: Contract, item: Item) -> Inspection:
    """Read and inspect one image."""
    try:
        data = item.read()
        image = open_image(data, max(contract.height, contract.width))
    except OSError as error:
        return Inspection(reason=reason(error))
    except BadImage as error:
        return Inspection(reason=str(error))
    pixels = crop_and_resize(image, contract)
    kind, size, mode, orientation = _header(data)
    thumbnail = image.convert("L").resize((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.BILINEAR)
    contrast = float(pixels.std(axis=(0, 1)).max())
    facts = ImageFacts(
        sha256=hashlib.sha256(data).hexdigest(),
        size=size,
        mode=mode,
        orientation=orientation,
        damage=damage(data, kind),
        contrast=contrast,
        colour_bits=_bits(pixels),
        thumbnail=np.array(thumbnail),
    )
    return Inspection(facts, pixels)


def _bits(pixels: NDArray[np.uint8]) -> float:
    """Compute the entropy of the colours [S, S, 3] in steps of 8 levels, in bits a pixel."""
    steps = pixels.astype(np.int32) // 8
    counts = np.bincount((steps @ (1024, 32, 1)).ravel())
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def _header(data: bytes) -> tuple[str, tuple[int, int], str, int]:
    """Return format, size upright, mode and EXIF orientation of a file that was decoded before."""
    with opened(data) as image:
        try:
            found = image.getexif().get(ExifTags.Base.Orientation)
        except (OSError, SyntaxError, ValueError, TypeError, LookupError):  # damaged metadata: upright, as decoding takes it
            found = None
        orientation = found if isinstance(found, int) and 1 <= found <= 8 else 1
        # Pillow gives the upright size of a TIFF file before it is decoded.
        size = image.size if orientation < 5 or image.format == "TIFF" else image.size[::-1]
        return image.format or "", size, image.mode, orientation


def damage(data: bytes, kind: str) -> str:
    """Return what is lost of an image that can be decoded nevertheless; empty: nothing.

    Pillow decodes a JPEG file as viewers do: across a hole in it, with the rest in the wrong place and colour. libjpeg warns of that,
    but a block of zeros is data to it.
    """
    if kind == "JPEG":
        if _LOST_BLOCK.search(_scan(data)):
            return "a block of it was overwritten with zeros"
        return f"damaged: {lost}" if (lost := jpeg.lost(data)) else ""
    if kind == "PNG":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                with Image.open(BytesIO(data)) as image:
                    image.verify()  # the checksum of every chunk
            except (OSError, SyntaxError, ValueError) as error:
                return f"damaged: {error}"
    return ""


def _scan(data: bytes) -> bytes:
    """Return the compressed part of a JPEG file: what comes before may be padded with zeros, and phones append films."""
    start = 2
    while data[start : start + 1] == b"\xff" and data[start : start + 2] != _START_OF_SCAN:
        start += 2 + max(int.from_bytes(data[start + 2 : start + 4], "big"), 2)
    end = data.find(jpeg.END, start)
    return data[start : end if end > 0 else len(data)]
