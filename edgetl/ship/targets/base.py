"""A target of `ship`, and the app that it makes.

Class names, the model's name and all else that users write reach an app as data, in the bundle's own files. What has to stand in source
text, a package's name and an app's title, is put in by `filled` for tokens that make the template itself a valid app.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from edgetl.errors import UsageError
from edgetl.ship import golden
from edgetl.ship.manifest import CLASS_NAMES, MANIFEST, Manifest

_PACKAGE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z][A-Za-z0-9_-]*)+")
_NO_TEMPLATE = {"__pycache__", "node_modules", "build", ".gradle", ".build"}  # what running a template leaves in it


@dataclass(frozen=True)
class App:
    """A bundle on its way into an app.

    Args:
        files: the bundle's, by name.
        model: the file that the app runs.
        package: com.example.app.
    """

    manifest: Manifest
    files: Mapping[str, bytes]
    runtime: str
    model: str
    package: str

    def __post_init__(self) -> None:
        if not _PACKAGE.fullmatch(self.package):
            raise UsageError(f"'{self.package}' is no package name", "name one like com.example.flowers, with --package")

    @property
    def data(self) -> dict[str, bytes]:
        """Return what the app reads: model, manifest as it was signed, class names, golden predictions, and which model it is."""
        names = (MANIFEST, CLASS_NAMES, golden.DOCUMENT, golden.PIXELS, golden.RESIZED, self.model)
        digest = hashlib.sha256(self.files[MANIFEST]).hexdigest()
        choice = {"model": self.model, "runtime": self.runtime, "manifest_sha256": digest}
        return {name: self.files[name] for name in names} | {"app.json": (json.dumps(choice, indent=2) + "\n").encode()}


@dataclass(frozen=True)
class Target:
    """A kind of app.

    Args:
        runtimes: that its code can use; the first is the one where none is named.
        files: all files of a fresh app, or what goes into the existing one whose folder is given, by their path in it. Raises
            UsageError when that folder holds no such app.
        steps: what to do next with what was written to a folder, in one line; the last argument is the existing app's folder, None for
            a fresh app.
        package: of the existing app in a folder, where none is named; empty: from the model's name.
    """

    runtimes: tuple[str, ...]
    files: Callable[[App, Path | None], Mapping[str, bytes]]
    steps: Callable[[App, Path, Path | None], str]
    package: Callable[[Path], str] = lambda _: ""


def template(target: str) -> dict[str, bytes]:
    """Return the files of deploy/TARGET by their path in it."""
    folder = Path(__file__).parents[2] / "deploy" / target
    files = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name.as_posix(): path.read_bytes() for name, path in files.items() if not _NO_TEMPLATE & set(name.parts)}


def filled(content: bytes, tokens: Mapping[str, str]) -> bytes:
    """Return a template's text with its tokens replaced; what replaces them is already written as the file's language wants it."""
    text = content.decode()
    for token, value in tokens.items():
        text = text.replace(token, value)
    return text.encode()
