"""The handwritten digits that come with scikit-learn: 1797 images of 8x8 pixels, for a first run without a download."""

import gzip
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgetl.data.base import Item, Listing
from edgetl.data.decode import png
from edgetl.errors import DependencyError

_STAMP = "scikit-learn digits, png 1"
_WHITE = 16  # the set's own range is 0..16


def find(source: str) -> Listing:
    """List the digits as PNG images `digits:0` .. `digits:1796` of the classes "0" .. "9", without splits."""
    rows = _rows()
    pixels = np.rint(rows[:, :-1].reshape(-1, 8, 8) * 255 / _WHITE).astype(np.uint8)
    items = (Item(f"{source}:{row}", str(label), None, partial(png, pixels[row]), _STAMP) for row, label in enumerate(rows[:, -1]))
    return Listing(source, tuple("0123456789"), tuple(items), ())


def _rows() -> NDArray[np.int64]:
    """Return 64 pixels and the class of each digit, from scikit-learn's file: to import it takes as long as a whole report."""
    package = find_spec("sklearn")
    if not package or not package.submodule_search_locations:
        raise DependencyError("the embedded digits need scikit-learn", "pip install scikit-learn")
    with gzip.open(Path(package.submodule_search_locations[0], "datasets", "data", "digits.csv.gz")) as file:
        return np.loadtxt(file, np.int64, delimiter=",")
