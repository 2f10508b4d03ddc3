"""Pictures on disk -> index -> batches. Here: the kinds of source that pictures come from."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from edgetl.registry import Registry

if TYPE_CHECKING:
    from edgetl.data.base import Listing

SOURCES: "Registry[Callable[[str], Listing]]" = Registry(
    "source",
    {
        "folder": ("edgetl.data.folder:find", "DATA/CLASS/*.jpg, or DATA/{train,val[,test]}/CLASS/*.jpg"),
        "csv": ("edgetl.data.csv_file:find", "a .csv file with the columns path,label[,split]"),
        "packed": ("edgetl.data.packed:find", "what 'edgetl pack' wrote: a folder, or gs://, s3://, any path that TensorFlow reads"),
        "digits": ("edgetl.data.digits:find", "1797 handwritten digits of 8x8 pixels, embedded in scikit-learn: needs no download"),
    },
)
