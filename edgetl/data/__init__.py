"""Images on disk -> index -> batches. Here: the kinds of source that images come from."""

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
