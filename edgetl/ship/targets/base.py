"""A target of `ship`, and the app that it makes.

Class names and all else that users write reach an app as data, in the bundle's own files, which a target never sees: it says in which
folder they go. What has to stand in source text, a package's name and an app's title, is put in by `filled` for tokens that make the
template itself a valid app.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edgetl.errors import UsageError
from edgetl.ship.manifest import Manifest
from edgetl.ship.strings import Tables, tables

Files = Mapping[str, bytes]  # content by path

_PACKAGE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z][A-Za-z0-9_-]*)+")
_NO_TEMPLATE = {"__pycache__", "node_modules", "build", ".gradle", ".build"}  # what running a template leaves in it


@dataclass(frozen=True)
class App:
    """A bundle on its way into an app.

    Args:
        model: the file that the app runs.
        package: com.example.app.
        strings: what the app says, by language.
    """

    manifest: Manifest
    runtime: str
    model: str
    package: str
    strings: Tables = field(default_factory=tables)

    def __post_init__(self) -> None:
        if not _PACKAGE.fullmatch(self.package):
            raise UsageError(f"'{self.package}' is not a package name", "name one like com.example.flowers, with --package")


@dataclass(frozen=True)
class Target:
    """A kind of app.

    Args:
        runtimes: that its code can use; the first is the one where none is named.
        files: the template of a fresh app, or what goes into the existing one whose folder is given, by their path in it. Raises
            UsageError when that folder holds no such app.
        data: the folder for what the app reads, in a fresh app or in the existing one whose folder is given.
        steps: what to do next with what was written to a folder, in one line; the last argument is the existing app's folder, None for
            a fresh app.
        tests: the folder for real golden images, which no release has, in a fresh app or in the existing one; empty: the app has none, and
            is proved by the synthetic ones alone.
        package: of the existing app in a folder, where none is named; empty: from the model's name.
        completed: adds what depends on all files, given the app, these, and the existing app's folder, None for a fresh app.
    """

    runtimes: tuple[str, ...]
    files: Callable[[App, Path | None], Files]
    data: Callable[[Path | None], str]
    steps: Callable[[App, Path, Path | None], str]
    tests: Callable[[Path | None], str] = lambda _: ""
    package: Callable[[Path], str] = lambda _: ""
    completed: Callable[[App, Files, Path | None], Files] = lambda _, files, __: files


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
