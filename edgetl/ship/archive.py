"""A bundle's zip file: written the same for the same content, read without trust."""

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

from edgetl.errors import RunError
from edgetl.files import atomic, check_directory
from edgetl.ship.manifest import MANIFEST, SIGNATURE, BundleContents, Manifest

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold: the same content gives the same bytes
_LARGEST_BYTES = 1 << 30  # of all files together: a hundred times a large MobileNet
_MOST_FILES = 64
_REMEDY = "get the bundle again from its maker"


def write(path: Path, files: Mapping[str, bytes]) -> None:
    """Write the archive: stored, not deflated, so that an app can map the models; the manifest first."""
    with atomic(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files, key=lambda name: (name != MANIFEST, name)):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])


def read(path: Path) -> BundleContents:
    """Return the manifest and all files, each of the size and sha256 that the manifest gives; nothing is unpacked.

    Raises RunError for anything else: a file too many, too few, changed, compressed, linked, named to lie elsewhere, or too large.
    """
    try:
        check_directory(path)
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            names = [entry.filename for entry in entries]
            if len(set(names)) < len(names) or len(names) > _MOST_FILES or sum(entry.file_size for entry in entries) > _LARGEST_BYTES:
                raise RunError(f"{path} is not a bundle: it has too many files, a file twice, or files that are too large", _REMEDY)
            strange = [entry.filename for entry in entries if not _plain(entry)]
            if strange or MANIFEST not in names:
                raise RunError(f"{path} is not a bundle: {strange[0] if strange else MANIFEST + ' is missing'}", _REMEDY)
            files = {name: archive.read(name) for name in names}
    except FileNotFoundError:
        raise RunError(f"there is no bundle at {path}", "check the path") from None
    except (OSError, zipfile.BadZipFile, ValueError, EOFError, NotImplementedError, RuntimeError) as error:
        raise RunError(f"cannot read the bundle {path}: {error}", _REMEDY) from error
    manifest = Manifest.from_bytes(files[MANIFEST], f"{MANIFEST} in {path}")
    listed, held = set(manifest.files), set(files) - {MANIFEST, SIGNATURE}
    if listed != held:
        raise RunError(f"{path}: {sorted(listed ^ held)[0]} is in the manifest or in the bundle, not in both", _REMEDY)
    for name, facts in manifest.files.items():
        if hashlib.sha256(files[name]).hexdigest() != facts.sha256:
            raise RunError(f"{path}: {name} was changed", _REMEDY)
    return BundleContents(manifest, files)


def _plain(entry: zipfile.ZipInfo) -> bool:
    """Return whether it is a stored file with a name that stays inside (links and devices have another type in their mode)."""
    parts = entry.filename.split("/")
    inside = not entry.filename.startswith("/") and "\\" not in entry.filename and not {"", ".", ".."} & set(parts)
    kind = entry.external_attr >> 28
    return inside and kind in (0, 8) and entry.compress_type == zipfile.ZIP_STORED and entry.file_size == entry.compress_size
