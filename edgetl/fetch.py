"""Fetches a file whose hash is known."""

import hashlib
import urllib.request
from http.client import HTTPException
from pathlib import Path

from edgetl.files import atomic

UNREACHABLE = (OSError, ValueError, HTTPException)  # what an address that gives nothing raises


class AnotherFile(Exception):
    """An address holds another file than the one that was to come."""

    def __init__(self, url: str, sha256: str) -> None:
        super().__init__(f"{url} is another file than the one that was pinned")
        self.sha256 = sha256


def fetch(url: str, wanted: str, path: Path, patience_s: float) -> None:
    """Write what an address holds into a file, if its sha256 is the one that is wanted.

    Raises AnotherFile where it is not, and one of `UNREACHABLE` where nothing comes, or not a byte in so many seconds.
    """
    with urllib.request.urlopen(url, timeout=patience_s) as response:
        content = response.read()
    found = hashlib.sha256(content).hexdigest()
    if found != wanted:
        raise AnotherFile(url, found)
    with atomic(path) as temporary:
        temporary.write_bytes(content)
