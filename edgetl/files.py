"""Files: written whole or not at all, and known by their content."""

import hashlib
import json
import os
import tokenize
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from edgetl.errors import RunError

# What NumPy lets through on a damaged .npz file, found by fuzzing: it promises no common class.
DAMAGED_NPZ = (OSError, ValueError, LookupError, TypeError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile, tokenize.TokenError)


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its name only when the block ends well: a killed writer leaves nothing under it.

    The suffix is kept, since some writers choose the format by it. Raises RunError when the folder cannot be written.
    """
    temporary = path.with_name(f".partial-{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error}", "choose a folder that can be written and has space, with --out") from error
    finally:
        with suppress(OSError):  # nothing was made under a folder that does not exist
            temporary.unlink(missing_ok=True)


def write_json(path: Path, document: Any) -> None:
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def fingerprint(*parts: Any) -> str:
    """sha256 over the canonical JSON of the parts, as 16 hexadecimal digits: the identity of a stage's inputs."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
