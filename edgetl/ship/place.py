"""Writes an app's files into a folder, again and again, without losing what a person changed there."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from edgetl.documents import Document, Part
from edgetl.errors import RunError, UsageError
from edgetl.files import atomic

RECORD = ".edgetl-ship.json"  # in the app's folder

Hashes = dict[str, tuple[str, ...]]  # by path: the sha256 of what was written there, and during a call of what is being written


class ShipRecord(Document):
    """.edgetl-ship.json in an app's folder: the sha256 of every file that was written, by target and path."""

    REMEDY: ClassVar[str] = "delete it: every file that is there then counts as yours and is kept"

    targets: dict[str, Hashes] = Field(default_factory=dict)

    def with_target(self, target: str, hashes: Hashes) -> "ShipRecord":
        """Return the record with a target's files replaced."""
        return ShipRecord(targets=self.targets | {target: dict(sorted(hashes.items()))})


class Placed(Part):
    """The paths of the files by what became of them: `kept` are those that a person changed or had there before."""

    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    kept: tuple[str, ...]
    removed: tuple[str, ...]


def place(root: Path, target: str, files: Mapping[str, bytes], *, fresh: bool) -> Placed:
    """Write what is new, and remove what an earlier call wrote and is no longer wanted; a changed file stays as it is.

    Args:
        fresh: the folder is to be an app of ours alone: new, empty, or written by an earlier call.

    Raises UsageError or RunError before anything is written.
    """
    record = ShipRecord.read(root / RECORD) if (root / RECORD).is_file() else ShipRecord()
    if fresh and target not in record.targets and root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise UsageError(f"{root} exists and is not a {target} app made by edgetl", "name a new folder, or an app to add to with --into")
    ours = record.targets.get(target, {})
    hashes = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    placed = _plan(ours, hashes, {path: _digest(root, path) for path in sorted({*files, *ours})})
    # Before and after are both ours while the files change, so that the next call does not take a killed one's files for a person's work.
    during = ours | {path: tuple(sorted({*ours.get(path, ()), digest})) for path, digest in hashes.items()}
    record.with_target(target, during).write(root / RECORD)
    for path in placed.written:
        with atomic(root / path) as temporary:
            temporary.write_bytes(files[path])
            if files[path].startswith(b"#!"):  # a program
                temporary.chmod(0o755)
    for path in placed.removed:
        (root / path).unlink(missing_ok=True)
    after = {path: (hashes[path],) for path in (*placed.unchanged, *placed.written) if path in files}
    kept = {path: ours[path] for path in placed.kept if path in ours}
    record.with_target(target, after | kept).write(root / RECORD)
    return placed


def _plan(ours: Hashes, hashes: Mapping[str, str], there: Mapping[str, str | None]) -> Placed:
    """Decide each file's fate from what we wrote (`ours`), what is wanted (`hashes`) and what is there."""
    written, unchanged, kept, removed = [], [], [], []
    for path, found in there.items():
        if found == hashes.get(path):
            unchanged.append(path)
        elif found is not None and found not in ours.get(path, ()):
            kept.append(path)
        elif path in hashes:
            written.append(path)
        else:
            removed.append(path)
    return Placed(written=tuple(written), unchanged=tuple(unchanged), kept=tuple(kept), removed=tuple(removed))


def _digest(root: Path, path: str) -> str | None:
    """Return the sha256 of what lies there, None where nothing does. Raises RunError where writing would leave the folder."""
    file = root / path
    if not file.parent.resolve().is_relative_to(root.resolve()) or file.is_symlink():
        raise RunError(f"{file} is, or lies behind, a link, or is outside of the app", "put a plain file or folder there")
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else None
    except OSError as error:
        raise RunError(f"cannot read {file}: {error.strerror}", "move it away") from error
