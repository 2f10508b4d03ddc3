"""Find the file that a written path means: other systems write backslashes, and accents as letters of their own (macOS: NFD)."""

import os
import unicodedata
from functools import cache


class Lookup:
    """Paths relative to a folder, or absolute. Each folder that is looked through is read once."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._names = cache(_names)

    def path_of(self, written: str) -> str:
        """Return the normalized path of the file that is meant; of none, what was written."""
        exact = os.path.normpath(os.path.join(self._folder, written))
        if os.path.lexists(exact):
            return exact
        for text in (written, written.replace("\\", "/")):
            found = os.path.normpath(os.path.join(self._folder, text))
            if os.path.lexists(found) or os.path.lexists(found := self._in_other_letters(found)):
                return found
        return exact

    def _in_other_letters(self, path: str) -> str:
        """Return the path with each part that is not there as the folder above spells it."""
        found = os.sep
        for part in path.split(os.sep)[1:]:
            if not os.path.lexists(os.path.join(found, part)):
                part = self._names(found).get(unicodedata.normalize("NFC", part), part)
            found = os.path.join(found, part)
        return found


def _names(folder: str) -> dict[str, str]:
    """Return the names in a folder by their normal form."""
    try:
        return {unicodedata.normalize("NFC", name): name for name in sorted(os.listdir(folder))}
    except (OSError, ValueError):  # ValueError: a NUL in it
        return {}
