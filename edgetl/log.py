"""The log file of what is being written: the lines that people saw, and more, with their times; bounded, and without secrets."""

import os
import re
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

NAME = "edgetl.log"
_LARGEST_BYTES = 1 << 20  # some twenty thousand lines; one file more of that size is kept
_NAMED = r"token|password|passwd|secret|credential|api[_-]?key|access[_-]?key"
_SECRETS = (
    (re.compile(r"(?<=://)[^/\s@]+@"), "***@"),  # user and password of an address
    (re.compile(rf"(?i)((?:{_NAMED})[\"']?(?:\s*[=:]\s*|\s+(?=\S*\d))[\"']?)[^\s&\"',]+"), r"\1***"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w+/=.~-]{8,}"), r"\1 ***"),  # HTTP's authorization
)

_path: Path | None = None
_file: TextIO | None = None


def begin(path: Path) -> None:
    """Log into this file until `end`, unless another one is logged into; a file that cannot be written is done without."""
    global _file, _path
    if _file is None:
        with suppress(OSError):
            _file, _path = path.open("a", encoding="utf-8", errors="backslashreplace"), path
            line(f"edgetl {' '.join(sys.argv[1:])}")


def end() -> None:
    global _file, _path
    if _file is not None:
        with suppress(OSError):
            _file.close()
    _file = _path = None


def line(text: str) -> None:
    """One message, which may be of several lines."""
    if _file is None:
        return
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    with suppress(OSError):  # a full disk ends the work, not the log of it
        _file.write(f"{time} {os.getpid()} {clean(text.rstrip())}\n")
        _file.flush()
        if _file.tell() > _LARGEST_BYTES:
            _turn_over()


def clean(text: str) -> str:
    """The text without what looks like a password or a token."""
    for pattern, put in _SECRETS:
        text = pattern.sub(put, text)
    return text


def _turn_over() -> None:
    path = _path
    end()
    if path is not None:
        os.replace(path, path.with_name(f"{NAME}.1"))
        begin(path)
