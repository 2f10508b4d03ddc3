"""The handwritten digits that come with scikit-learn: 1797 images of 8x8 pixels, for a first run without a download."""

from functools import partial

import numpy as np

from edgetl.data.base import Item, Listing
from edgetl.data.decode import png
from edgetl.errors import DependencyError

_STAMP = "scikit-learn digits, png 1"
_WHITE = 16  # the set's own range is 0..16


def find(source: str) -> Listing:
    """List the digits as PNG images `digits:0` .. `digits:1796` of the classes "0" .. "9", without splits."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise DependencyError("the embedded digits need scikit-learn", "pip install scikit-learn") from error
    drawn, label_ids = load_digits(return_X_y=True)
    pixels = np.rint(drawn.reshape(-1, 8, 8) * 255 / _WHITE).astype(np.uint8)
    items = (Item(f"{source}:{row}", str(label), None, partial(png, pixels[row]), _STAMP) for row, label in enumerate(label_ids))
    return Listing(source, tuple("0123456789"), tuple(items), ())
