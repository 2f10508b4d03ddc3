"""Find what a user calls the data: an embedded set, a CSV file, a folder or packed shards; also single images."""

import logging
import os
from pathlib import Path

from edgetl.data import SOURCES, embedded, lying_at
from edgetl.data.base import BY_NAMES, Listing, Reading, Rejected, listed, reason
from edgetl.data.labels import as_text
from edgetl.errors import DataError
from edgetl.registry import did_you_mean

logger = logging.getLogger(__name__)


def find(source: str, reading: Reading = BY_NAMES) -> Listing:
    """List what `source` holds: the name of an embedded set, else a path. (`./digits` is the folder, `digits` the set.)

    Raises DataError when it is not one of them, or when what it holds cannot be used.
    """
    if source in embedded():
        if os.path.lexists(source):
            logger.warning(f"'{source}' is the embedded set; write ./{source} for what lies here under that name")
        if reading.task == "multi-label":
            raise DataError(f"each image of {source} is of one class", "leave --task multi-label out")
        return SOURCES.load(source)(source)
    if kind := lying_at(source):
        return SOURCES.load(kind)(source, reading)
    if not source:
        raise DataError("no data was given", f"name a folder, a CSV file or an embedded set ({', '.join(embedded())})")
    if os.path.lexists(source):
        raise DataError(
            f"{as_text(source)} is neither a folder nor a .csv file",
            "unpack an archive first; a list of images must end in .csv or .tsv",
        )
    name = os.path.basename(source.rstrip("/"))
    raise DataError(
        f"there is no folder and no CSV file at {as_text(os.path.abspath(source))}, and no embedded set is called {name!r}",
        f"check the path, or name an embedded set; {did_you_mean(name, embedded())}",
    )


def read_image(name: str) -> bytes:
    """Return the bytes of one image, by a file's path or an embedded image's name such as `digits:17`. Raises DataError."""
    source, colon, _ = name.partition(":")
    if not os.path.lexists(name) and colon and source in embedded():
        items = SOURCES.load(source)(source).items
        for item in items:
            if item.name == name:
                return item.read()
        raise DataError(f"there is no image {name}", f"there are {items[0].name} to {items[-1].name}")
    try:
        found = listed(Path(name), name, "", None)
        if isinstance(found, Rejected):
            raise OSError(found.reason)
        return found.read()
    except (OSError, ValueError) as error:
        examples = ", ".join(f"{name}:0" for name in embedded())
        raise DataError(
            f"cannot read the image {name!r}: {reason(error)}", f"name a file, or an embedded image such as {examples}"
        ) from error
