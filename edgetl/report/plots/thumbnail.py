"""Thumbnails for the report."""

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgetl.data.decode import as_image

_EDGE_PX = 160  # twice what the page shows, for fine screens
_SMALLEST_PX = 48  # smaller, an image shows nothing
_QUALITY = 80  # JPEG's: 6 KB each
_BYTES = 3_500_000  # of all thumbnails of a gallery; base64 adds a third, and a page has 8 MB
_BYTES_A_PIXEL, _BYTES_AT_LEAST = 0.28, 650  # of a JPEG of this quality, measured on photographs; its tables


def edge_px(count: int, most: int = _EDGE_PX) -> int:
    """Return the longer edge of each of so many thumbnails, in pixels: the more there are, the smaller."""
    pixels = (_BYTES / max(count, 1) - _BYTES_AT_LEAST) / _BYTES_A_PIXEL
    return round(min(max(math.sqrt(max(pixels, 0)), _SMALLEST_PX), most))


def thumbnail(pixels: NDArray[np.uint8], edge: int = _EDGE_PX) -> bytes:
    """Return a JPEG of uint8 [H, W, C] whose longer edge has so many pixels."""
    drawn = io.BytesIO()
    longer = max(pixels.shape[:2])
    way = Image.Resampling.NEAREST if longer < edge // 2 else Image.Resampling.LANCZOS  # tiny images are to look tiny
    height, width = (max(round(edge * side / longer), 1) for side in pixels.shape[:2])
    as_image(np.asarray(pixels)).resize((width, height), way).save(drawn, "JPEG", quality=_QUALITY)
    return drawn.getvalue()
