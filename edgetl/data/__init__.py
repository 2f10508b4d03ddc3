"""Images on disk -> index -> batches. Here: the kinds of source that images come from."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from edgetl.data.shards import INDEX
from edgetl.registry import Registry

if TYPE_CHECKING:
    from edgetl.data.base import Listing

SOURCES: "Registry[Callable[..., Listing]]" = Registry(
    "source",
    {
        "folder": ("edgetl.data.folder:find", "DATA/CLASS/*.jpg, or DATA/{train,val[,test]}/CLASS/*.jpg"),
        "csv": ("edgetl.data.csv_file:find", "a .csv or .tsv file with the columns path,label[,split]"),
        "packed": ("edgetl.data.packed:find", "what 'edgetl pack' wrote: a folder, or gs://BUCKET/FOLDER"),
        "digits": ("edgetl.data.digits:find", "1797 handwritten digits of 8x8 pixels, embedded in scikit-learn: needs no download"),
        "cifar10": (
            "edgetl.data.downloaded:cifar10",
            "60000 small photographs of 10 classes, 32x32; downloaded once, or in EDGETL_DATA_DIR",
        ),
        "mnist": ("edgetl.data.downloaded:mnist", "70000 handwritten digits, 28x28; downloaded once, or in EDGETL_DATA_DIR"),
        "fashion_mnist": (
            "edgetl.data.downloaded:fashion_mnist",
            "70000 pieces of clothing, 28x28; downloaded once, or in EDGETL_DATA_DIR",
        ),
    },
)
_BY_PATH = ("folder", "csv", "packed")  # found by what lies at a path, and read as a `Reading` says; all others are embedded, with a name


def embedded() -> list[str]:
    """Return the names of the embedded sets."""
    return [name for name in SOURCES if name not in _BY_PATH]


def lying_at(path: str) -> str:
    """Return the name of the source that reads what lies at a path; empty: none does. None of them is loaded for that."""
    if "://" in path or os.path.isfile(os.path.join(path, INDEX)):
        return "packed"
    if os.path.isdir(path):
        return "folder"
    return "csv" if os.path.isfile(path) and path.lower().endswith((".csv", ".tsv")) else ""
