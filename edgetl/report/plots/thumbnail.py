"""Thumbnails for the report."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgetl.data.decode import as_image

_EDGE_PX = 160  # twice what the page shows, for fine screens
_QUALITY = 80  # JPEG's: 6 KB each


def thumbnail(pixels: NDArray[np.uint8]) -> bytes:
    """Return a small JPEG of uint8 [H, W, C]."""
    drawn = io.BytesIO()
    longer = max(pixels.shape[:2])
    way = Image.Resampling.NEAREST if longer < _EDGE_PX // 2 else Image.Resampling.LANCZOS  # tiny images are to look tiny
    height, width = (max(round(_EDGE_PX * edge / longer), 1) for edge in pixels.shape[:2])
    as_image(np.asarray(pixels)).resize((width, height), way).save(drawn, "JPEG", quality=_QUALITY)
    return drawn.getvalue()
