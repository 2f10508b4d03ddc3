"""One writer a folder: a lock that the system gives back when its process ends, however it ends."""

import errno
import fcntl
import json
import os
import platform
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from edgetl.errors import RunError
from edgetl.files import writable

NAME = ".edgetl.lock"  # stays when the lock is given back: removing it would let two hold locks on two files of one name
# Network and user-space file systems without locks say one of these.
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


@dataclass(frozen=True)
class _Holder:
    """The process that holds a lock: its number, its host, edgetl's command, and since when (UTC)."""

    process: int
    host: str
    command: list[str]
    since: str

    def __str__(self) -> str:
        command = f"edgetl {' '.join(map(str, self.command))}".strip()
        return f"process {self.process} on {self.host} ({command}, since {self.since})"


class FolderLock:
    """The lock of an existing folder, held inside of a `with`.

    flock, since Linux carries it over NFS too. On a file system without locks nothing is locked. The holder's name in the file is for
    the message alone: a dead process holds no lock, whatever the file says.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file: TextIO | None = None

    def __enter__(self) -> "FolderLock":
        """Take the lock. Raises RunError when somebody holds it, or the folder cannot be written."""
        try:
            file = (self.folder / NAME).open("a+", encoding="utf-8")
        except OSError as error:
            raise RunError(f"cannot write in {self.folder}: {error.strerror}", writable(error)) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with file:
                raise RunError(f"{self.folder} is being written by {_holder(file)}", "wait until that is done, or end it first") from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                file.close()
                raise RunError(f"cannot lock {self.folder}: {error.strerror}", "choose another folder with --out") from error
        self._file = file
        _sign(file)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            with suppress(OSError):  # what a full disk has not taken is tried again, and not needed; the file is closed either way
                self._file.close()
        self._file = None


def _sign(file: TextIO) -> None:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    holder = _Holder(os.getpid(), platform.node(), sys.argv[1:2], since)
    try:
        file.truncate(0)
        file.write(json.dumps(asdict(holder)) + "\n")
        file.flush()
    except OSError:  # a full disk: the lock holds without a name, and what is to be written next says what is wrong
        return


def _holder(file: TextIO) -> str:
    try:
        file.seek(0)
        return str(_Holder(**json.loads(file.read(4096))))
    except (OSError, ValueError, TypeError):  # nothing to be read, no JSON, or of another form
        return "another process"
