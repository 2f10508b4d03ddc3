"""An app's files into a folder, again and again, without losing what a person changed there."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edgetl import files
from edgetl.errors import RunError, UsageError
from edgetl.files import atomic, write_json

RECORD = ".edgetl-ship.json"  # in the app's folder: the sha256 of every file as it was written, by target


@dataclass(frozen=True)
class Placed:
    """What became of the files, by their paths: `kept` are those that a person changed or had there before."""

    written: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


def place(root: Path, target: str, files: Mapping[str, bytes], fresh: bool) -> Placed:
    """Write what is new, and remove what an earlier call wrote and is no longer wanted; a changed file stays as it is.

    Args:
        fresh: the folder is to be an app of ours alone: new, empty, or written by an earlier call.

    Raises UsageError or RunError before anything is written.
    """
    record = _read(root)
    if fresh and target not in record and root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise UsageError(f"{root} exists and is no {target} app of ours", "name a new folder, or an app to add to with --into")
    ours: dict[str, list[str]] = record.get(target, {})
    hashes = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    there = {path: _digest(root, path) for path in sorted({*files, *ours})}
    placed = Placed()
    for path, found in there.items():
        if found == hashes.get(path):
            placed.unchanged.append(path)
        elif found is not None and found not in ours.get(path, []):
            placed.kept.append(path)
        elif path in files:
            placed.written.append(path)
        else:
            placed.removed.append(path)
    # Before and after are both ours while the files change, so that a killed call is no person's work to the next one.
    during = {path: sorted({*ours.get(path, []), *([hashes[path]] if path in files else [])}) for path in there}
    write_json(root / RECORD, record | {target: during})
    for path in placed.written:
        with atomic(root / path) as temporary:
            temporary.write_bytes(files[path])
    for path in placed.removed:
        (root / path).unlink(missing_ok=True)
    after = {path: [hashes[path]] for path in (*placed.unchanged, *placed.written) if path in files}
    kept = {path: ours[path] for path in placed.kept if path in ours}
    write_json(root / RECORD, record | {target: dict(sorted((after | kept).items()))})
    return placed


def _read(root: Path) -> dict[str, dict[str, list[str]]]:
    path = root / RECORD
    if not path.is_file():
        return {}
    try:
        record: dict[str, dict[str, list[str]]] = files.read_json(path)
        if not all(isinstance(hashes, list) for files in record.values() for hashes in files.values()):
            raise ValueError("it is no record of ours")
    except (OSError, ValueError, AttributeError) as error:
        raise RunError(f"cannot read {path}: {error}", "delete it: every file that is there is then taken for yours and kept") from error
    return record


def _digest(root: Path, path: str) -> str | None:
    """The sha256 of what lies there, None where nothing does. Raises RunError where writing would leave the folder."""
    file = root / path
    if not file.parent.resolve().is_relative_to(root.resolve()) or file.is_symlink():
        raise RunError(f"{file} is, or lies behind, a link, or is outside of the app", "put a plain file or folder there")
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else None
    except OSError as error:
        raise RunError(f"cannot read {file}: {error.strerror}", "move it away") from error
