"""Files: written completely or not at all, known by their content, and read without trust: bounded in size and depth."""

import csv
import errno
import hashlib
import io
import json
import math
import os
import re
import threading
import tokenize
import tomllib
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from edgetl.errors import RunError, UsageError

_LARGEST_BYTES = 32 * 2**20  # the results of a run have some hundred KiB; Python's objects take up to twenty times the text
_ZIP_END_BYTES, _ZIP64_BYTES = 22, 20  # of the end record without a comment, and of the locator that stands before it in zip64
_PART_BYTES = 2**10  # of a part's line in the list of contents, with a long name
_LARGEST_TOML_BYTES, _MOST_DOTS = 2**18, 200  # a hundred times the defaults with all their reasons
_LARGEST_HEADER = 10_000  # characters; NumPy's own limit
_FULL = {errno.ENOSPC, errno.EDQUOT}
NOT_WRITABLE = _FULL | {errno.EROFS}  # the file system's, whatever is written
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold
# A spreadsheet computes a cell that begins like this; a formula that calls or reaches anything has one of the others ("-1" and "+" do not).
_FORMULA = re.compile(r"[=+\-@\t\r].*[(|!]", re.DOTALL)

# What NumPy lets through on a damaged .npz file, found by fuzzing: it promises no common class.
DAMAGED_NPZ = (OSError, ValueError, LookupError, TypeError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile, tokenize.TokenError)


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its name only when the block ends well: a killed writer leaves nothing under it.

    The suffix is kept, since some writers choose the format by it. Raises RunError when the folder cannot be written.
    """
    temporary = path.with_name(f".partial-{os.getpid()}-{threading.get_ident()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}", writable(error)) from error
    finally:
        with suppress(OSError):  # nothing was made under a folder that does not exist
            temporary.unlink(missing_ok=True)


def writable(error: OSError) -> str:
    """Return what to do about a file that could not be written. It names no option for another folder: not every command has one."""
    if error.errno in _FULL:
        return "free some space, and run the same command again: it continues from what is finished"
    return "make the folder writable, or use another one"


def check_folder(out: Path | None) -> None:
    """Raise UsageError where the folder that results are to go into is a file: what writes would say so only after minutes of work."""
    if out and out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file", "choose a folder with --out")


def write_csv(path: Path, rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file completely or not at all. A text that a spreadsheet would compute gets a quotation mark before it."""
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell for cell in row] for row in rows)


def fingerprint(*parts: object) -> str:
    """Return the sha256 over the canonical JSON of the parts, as 16 hexadecimal digits: the identity of a stage's inputs."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def place_in(variable: str, *, file: bool = False) -> Path | None:
    """Return the folder, or the file, that an environment variable names; None: it is not set. Raises UsageError where there is none."""
    named = os.environ.get(variable)
    if not named:
        return None
    path = Path(named).expanduser()
    if not (path.is_file() if file else path.is_dir()):
        raise UsageError(f"{variable} names {named}, and {'no file' if file else 'no folder'} is there", f"correct {variable}, or unset it")
    return path


def read_json(path: Path) -> Any:
    """Return what a JSON file holds. Raises OSError, or ValueError with the reason."""
    return parse_json(_bytes(path, _LARGEST_BYTES))


def parse_json(content: bytes) -> Any:
    """Return what JSON text holds. Raises ValueError with the reason."""
    try:
        return json.loads(content.decode("utf-8"), parse_constant=_no_number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _bytes(path: Path, most: int) -> bytes:
    if path.exists() and not path.is_file():  # a pipe would be waited for, a device never ends
        raise OSError("it is not a file")
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"it is larger than {most // 2**10} KiB")
    return content


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is not a JSON number")


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file holds. Raises OSError, or ValueError with the reason."""
    content = _bytes(path, _LARGEST_TOML_BYTES)
    text = content.decode("utf-8-sig")  # Windows' editors begin UTF-8 with a byte-order mark
    # Of a key of n parts tomllib makes n^2: 20,000 dots took 9 s, 100,000 more memory than there was.
    if any(line.count(".") > _MOST_DOTS for line in text.splitlines()):
        raise ValueError(f"a line has more than {_MOST_DOTS} dots")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def check_arrays(path: Path) -> None:
    """Raises ValueError for a .npz file whose arrays are packed, or larger than the file: NumPy takes the memory before it reads them."""
    import numpy as np

    check_directory(path, most_parts=10_000)
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            with archive.open(entry) as part:
                version = np.lib.format.read_magic(part)
                header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, _, dtype = header(part, max_header_size=_LARGEST_HEADER)
            if entry.compress_type != zipfile.ZIP_STORED or math.prod(shape) * dtype.itemsize > entry.file_size:
                raise ValueError(f"{entry.filename} is packed, or larger than the file")


def check_directory(path: Path, most_parts: int = 64) -> None:
    """Raises ValueError unless a zip file's list of contents is short and at its very end: `zipfile` reads it whole, then counts."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _ZIP64_BYTES - _ZIP_END_BYTES))
        tail = file.read()
    end, before = tail[-_ZIP_END_BYTES:], tail[:-_ZIP_END_BYTES]
    if not end.startswith(b"PK\5\6"):
        raise ValueError("it is cut, has something behind it, or is not a zip file")
    if before.startswith(b"PK\6\7") or int.from_bytes(end[12:16], "little") > most_parts * _PART_BYTES:
        raise ValueError("it has far too many parts")


def zipped_bytes(content: bytes) -> int:
    """Return the size of a zip file that holds only the content, deflated at level 9: about what an app store's package grows by."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("model", content)
    return len(packed.getvalue())


def stored_zip(files: Mapping[str, bytes]) -> bytes:
    """Return a zip file of these files by their paths, stored and in the order of the alphabet: the same content gives the same bytes."""
    archived = io.BytesIO()
    with zipfile.ZipFile(archived, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    return archived.getvalue()
