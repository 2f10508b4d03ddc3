"""A file that names images to leave out: one a line, as the source names them; lines that begin with # say something to people."""

import json
import logging
from dataclasses import replace
from pathlib import Path

from edgetl.data.base import Listing
from edgetl.errors import UsageError, listed
from edgetl.wording import counted

logger = logging.getLogger(__name__)


def heading(source: str) -> str:
    """Return the first line of a list, which says to people what it is for."""
    return (
        f"# Images of {json.dumps(source, ensure_ascii=False)} that should be left out: 'edgetl train DATA --exclude FILE' reads this list."
    )


def line(name: str) -> str:
    """Return a name as a line: itself, or a JSON string where it could be mistaken."""
    plain = name == name.strip() and not name.startswith(("#", '"')) and "\n" not in name and "\r" not in name
    return name if plain else json.dumps(name, ensure_ascii=False)


def read(path: str) -> tuple[str, ...]:
    """Return the names, each once, in their order. Raises UsageError when they cannot be read."""
    try:
        lines = [text.strip() for text in Path(path).read_text(encoding="utf-8-sig").split("\n")]
        names = [json.loads(text) if text.startswith('"') else text for text in lines if text and not text.startswith("#")]
    except (OSError, ValueError) as error:
        raise UsageError(
            f"cannot read the list of excluded images {path!r}: {getattr(error, 'strerror', None) or error}",
            "it must be a UTF-8 text file with one image per line ('edgetl doctor DATA' writes one); without it: --set data.exclude=",
        ) from error
    return tuple(dict.fromkeys(names))


def apply(listing: Listing, path: str) -> Listing:
    """Return the listing without those that the file names. Names that are not there are reported: they may be misspelt, or gone since."""
    names = read(path)
    there = {item.name for item in listing.items} | {rejected.name for rejected in listing.rejected}
    unknown = [name for name in names if name not in there]
    if unknown:
        of_all = counted(len(names), "image")
        logger.warning(f"not in {listing.source}, but in {path}, {len(unknown)} of {of_all}:{listed(list(map(repr, unknown)))}")
    excluded = there.intersection(names)
    gone = {item.split for item in listing.items} - {item.split for item in listing.items if item.name not in excluded}
    if gone - {None}:  # else it would be split off from the training images, as if it had never been given
        raise UsageError(f"{path} excludes all images of {' and '.join(sorted(map(str, gone)))}", f"take some out of {path}")
    return replace(
        listing,
        items=tuple(item for item in listing.items if item.name not in excluded),
        rejected=tuple(rejected for rejected in listing.rejected if rejected.name not in excluded),
        excluded=tuple(sorted(excluded)),
    )
