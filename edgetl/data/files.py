"""A file on disk as a listed image, or the reason why it is none; and pixels that were never a file as one."""

import os
import stat
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgetl.data.base import Item, Rejected

# Files are read whole. The largest image that decoding lets through, uncompressed at Pillow's pixel limit, has 358 MB.
_MAX_BYTES = 512 * 2**20


def listed(path: Path, name: str, label: str, split: str | None) -> Item | Rejected:
    """Return the file, unread. Devices and pipes are refused, since reading one can wait for ever."""
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        return Rejected(name, reason(error))
    if not stat.S_ISREG(status.st_mode):
        return Rejected(name, "not a file")
    if status.st_size > _MAX_BYTES:
        return Rejected(name, f"larger than {_MAX_BYTES // 2**20} MiB")
    stamp = f"{status.st_size}-{status.st_mtime_ns}-{status.st_ctime_ns}"
    return Item(name, label, split, path.read_bytes, stamp, status.st_size)


def leads_out(path: Path, root: str) -> bool:
    """Return whether a link's target is outside of `root` (a real path)."""
    return path.is_symlink() and os.path.commonpath([os.path.realpath(path), root]) != root


def reason(error: OSError | ValueError) -> str:
    """Return an error of the file system in its own words, without the path that stands beside it anyway."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """uint8 [H, W] or [H, W, 3] as a PNG file. Uncompressed, so that its sha256, and with it the split, is the same with every zlib."""
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=0)
    return file.getvalue()
