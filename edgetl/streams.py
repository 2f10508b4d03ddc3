"""stdout and stderr as they are: of any encoding, closed, full, or read by nobody.

Both escape what their encoding does not hold. A result that cannot be printed is an error; what stderr does not take is done without.
"""

import codecs
import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from edgetl.errors import NOT_READ, RunError


def open_closed() -> None:
    """Put the null device where a standard stream is closed: else the next file is opened in its place, and gets what native code writes.

    stdout stays closed for Python, so that a result is not lost unnoticed.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", closefd=False)


def flush() -> None:
    """Write what both still hold; what they do not take is dropped, which else would change the exit code when Python ends."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            _drop(number, stream)


def held(text: str, stream: TextIO | None) -> str:
    r"""Return the text with each character escaped that the stream's encoding does not have, as `\xe4` or `\u6570`."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


class Stdout:
    """stdout as a library that draws on it takes it: whatever sys.stdout is at the time."""

    def write(self, text: str) -> int:
        """Write at once. Raises RunError when that cannot be, and SystemExit when nobody reads it any more."""
        stdout = _itself(sys.stdout)
        try:
            if stdout is None:
                raise OSError(errno.EBADF, "stdout is closed")
            stdout.write(held(text, stdout))
            stdout.flush()
        except OSError as error:
            _drop(1, stdout)
            if isinstance(error, BrokenPipeError):
                raise SystemExit(NOT_READ) from None
            remedy = "the work is done and kept; to see the result, run the command again and send stdout to a place that can be written"
            raise RunError(f"cannot print the result: {error.strerror}", remedy) from error
        return len(text)

    def flush(self) -> None:
        """Do nothing: it is written already."""

    def isatty(self) -> bool:
        return sys.stdout is not None and sys.stdout.isatty()


class Stderr:
    """stderr as a library that draws on it takes it: whatever sys.stderr is at the time, and without errors."""

    @property
    def encoding(self) -> str:
        return codecs.lookup(getattr(sys.stderr, "encoding", None) or "utf-8").name

    def write(self, text: str) -> int:
        with _done_without() as stderr:
            stderr.write(held(text, stderr))
        return len(text)

    def flush(self) -> None:
        with _done_without() as stderr:
            stderr.flush()

    def isatty(self) -> bool:
        return sys.stderr is not None and sys.stderr.isatty()


@contextmanager
def _done_without() -> Iterator[TextIO]:
    stderr = _itself(sys.stderr) or io.StringIO()
    try:
        yield stderr
    except OSError:
        _drop(2, stderr)


def _itself(stream: TextIO | None) -> TextIO | None:
    """Return the stream that rich stands before while a bar is drawn: to write to rich would come back here, without end."""
    return getattr(stream, "rich_proxied_file", stream)


def _drop(number: int, stream: TextIO | None) -> None:
    """Lead a stream into the null device: what it still holds would fail again when Python ends, with an exit code of its own."""
    with suppress(OSError):
        if stream is not None and stream.fileno() == number:
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
