"""Logging: the log file of a run with its rotation, and a filter that keeps passwords and tokens out of it.

Every module logs with the standard library under its own name, `edgetl.ROOM.FILE`: what a command tells as `info`, what may mislead as
`warning`, what a bug report needs as `debug`. A program that uses edgetl sets the level and the handlers as for any other library.
"""

import logging
import re
import sys
from contextlib import suppress
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

NAME = "edgetl.log"
LARGEST_BYTES = 1 << 20  # some twenty thousand lines; one file more of that size is kept
_LOGGER = logging.getLogger("edgetl")
_NAMED = r"token|password|passwd|secret|credential|api[_-]?key|access[_-]?key"
_SECRETS = (
    (re.compile(r"(?<=://)[^/\s@]+@"), "***@"),  # user and password of an address
    (re.compile(rf"(?i)((?:{_NAMED})[\"']?(?:\s*[=:]\s*|\s+(?=\S*\d))[\"']?)[^\s&\"',]+"), r"\1***"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w+/=.~-]{8,}"), r"\1 ***"),  # HTTP's authorization
)


def clean(text: str) -> str:
    """Return the text without what looks like a password or a token."""
    for pattern, put in _SECRETS:
        text = pattern.sub(put, text)
    return text


class Redact(logging.Filter):
    """Takes passwords and tokens out of the message and the traceback of a record: `handler.addFilter(Redact())`."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = clean(record.getMessage()), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        record.exc_text = clean(record.exc_text) if record.exc_text else None
        return True


class RunLog:
    """The log file of a folder, open inside of a `with`, whose end it tells too. A file that cannot be written is done without."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handler: _File | None = None

    def __enter__(self) -> "RunLog":
        with suppress(OSError):
            self._handler = _File(self._path)
            attach(self._handler)
            self._handler.handle(_LOGGER.makeRecord(__name__, logging.DEBUG, "", 0, f"called as: {' '.join(sys.argv)}", (), None))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._handler is None:
            return
        if kind and error:
            facts = None if isinstance(error, SystemExit) else (kind, error, trace)
            self._handler.handle(_LOGGER.makeRecord(__name__, logging.DEBUG, "", 0, _ending(error), (), facts))
        detach(self._handler)
        with suppress(OSError):  # a full disk again
            self._handler.close()
        self._handler = None


def _ending(error: BaseException) -> str:
    """Return how the work ended, in the exit code of a command where there is one."""
    if isinstance(error, KeyboardInterrupt):
        return "ended with exit code 130"
    code = getattr(error, "exit_code", getattr(error, "code", None))
    return f"ended with exit code {code or 0}" if isinstance(code, int) or isinstance(error, SystemExit) else "ended with an error"


class _File(RotatingFileHandler):
    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=LARGEST_BYTES, backupCount=1, encoding="utf-8", errors="backslashreplace")
        self.addFilter(Redact())
        self.setFormatter(_LogLine())

    def handleError(self, record: logging.LogRecord) -> None:
        if not isinstance(sys.exception(), OSError):  # a full disk ends the log, not the work
            super().handleError(record)


class _LogLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        level = f"{record.levelname.lower()}: " if record.levelno > logging.INFO else ""
        return f"{time} {record.process} {level}{super().format(record).rstrip()}"


class _Onward(logging.Handler):
    """Gives the program around edgetl the records that it would get if edgetl listened to nothing itself."""

    def __init__(self) -> None:
        super().__init__(_LOGGER.getEffectiveLevel())
        self.before = _LOGGER.level, _LOGGER.propagate
        self.attached: list[logging.Handler] = []

    def emit(self, record: logging.LogRecord) -> None:
        root = logging.getLogger()
        shown = any(not isinstance(handler, _File | _Onward) for handler in _LOGGER.handlers)
        if self.before[1] and (root.handlers or not shown):
            root.callHandlers(record)  # without any handler: warnings go to stderr, as Python does it


def attach(handler: logging.Handler) -> None:
    """Give the handler all records of edgetl until `detach`, whatever level the program around it has set."""
    onward = _onward()
    if onward is None:
        onward = _Onward()
        _LOGGER.addHandler(onward)
        _LOGGER.propagate = False
        _LOGGER.setLevel(logging.DEBUG)
    onward.attached.append(handler)
    _LOGGER.addHandler(handler)


def detach(handler: logging.Handler) -> None:
    """End `attach`; with the last one the logger becomes what it was."""
    _LOGGER.removeHandler(handler)
    onward = _onward()
    if onward is None:
        return
    onward.attached.remove(handler)
    if not onward.attached:
        _LOGGER.removeHandler(onward)
        level, _LOGGER.propagate = onward.before
        _LOGGER.setLevel(level)


def _onward() -> _Onward | None:
    return next((handler for handler in _LOGGER.handlers if isinstance(handler, _Onward)), None)
