"""A bundle's zip file is read without trust."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from edgetl.errors import RunError
from edgetl.ship import archive
from edgetl.ship.manifest import MANIFEST
from tests.ship.conftest import CONTENTS, manifest_of

Change = Callable[[zipfile.ZipFile], None]


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    files = CONTENTS | {MANIFEST: manifest_of(CONTENTS)}
    archive.write(tmp_path / "a.edgetl", files)
    archive.write(tmp_path / "b.edgetl", dict(reversed(files.items())))
    assert (tmp_path / "a.edgetl").read_bytes() == (tmp_path / "b.edgetl").read_bytes()
    manifest, read = archive.read(tmp_path / "a.edgetl")
    assert read == files
    assert manifest.files["labels.txt"].size_bytes == len(CONTENTS["labels.txt"])
    with zipfile.ZipFile(tmp_path / "a.edgetl") as opened:
        assert opened.namelist()[0] == MANIFEST
        assert {entry.compress_type for entry in opened.infolist()} == {zipfile.ZIP_STORED}, "an app maps the models"


def _written(entries: list[tuple[zipfile.ZipInfo | str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as opened:
        for name, content in entries:
            opened.writestr(name, content)
    return packed.getvalue()


def _link(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = 0o120777 << 16
    return entry


GOOD: list[tuple[zipfile.ZipInfo | str, bytes]] = [(MANIFEST, manifest_of(CONTENTS)), *CONTENTS.items()]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "cannot read"),
        (b"PK not a zip", "cannot read"),
        (_written(GOOD)[:-40], "cannot read"),
        (_written(GOOD[1:]), "manifest.json is missing"),
        (_written([*GOOD, ("../outside.txt", b"x")]), r"\.\./outside.txt"),
        (_written([*GOOD, ("/etc/passwd", b"x")]), "/etc/passwd"),
        (_written([*GOOD, ("a\\b", b"x")]), "a"),
        (_written([*GOOD, (_link("link"), b"/etc/passwd")]), "link"),
        (_written([*GOOD, ("extra.txt", b"x")]), "extra.txt is in the manifest or in the bundle"),
        (_written(GOOD[:-1]), "is in the manifest or in the bundle"),
        (_written(GOOD, zipfile.ZIP_DEFLATED), "is not a bundle"),
        (_written([*GOOD[:-1], (GOOD[-1][0], b"changed")]), "was changed"),
        (_written([(MANIFEST, b"{}"), *CONTENTS.items()]), "cannot read manifest.json"),
        (_written([(MANIFEST, b"[" * 100_000), *CONTENTS.items()]), "cannot read manifest.json"),
        (_written([(f"{number}.txt", b"") for number in range(100)]), "too many files"),
    ],
)
def test_anything_else_is_refused(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "bad.edgetl").write_bytes(content)
    with pytest.raises(RunError, match=says):
        archive.read(tmp_path / "bad.edgetl")


def test_sizes_are_bounded_before_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_LARGEST_BYTES", 10)
    (tmp_path / "large.edgetl").write_bytes(_written(GOOD))
    with pytest.raises(RunError, match="too large"):
        archive.read(tmp_path / "large.edgetl")


def test_a_bundle_that_is_not_there_is_reported_so(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no bundle at"):
        archive.read(tmp_path / "nope.edgetl")


def test_an_unknown_field_is_refused(tmp_path: Path) -> None:
    document = json.loads(manifest_of(CONTENTS)) | {"surprise": 1}
    (tmp_path / "new.edgetl").write_bytes(_written([(MANIFEST, json.dumps(document).encode()), *CONTENTS.items()]))
    with pytest.raises(RunError, match="surprise"):
        archive.read(tmp_path / "new.edgetl")
