"""Checks of arguments, so that a mistake is an error that names what was meant."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from edgetl.errors import UsageError
from edgetl.registry import did_you_mean

File = str | Path
PathLike = str | os.PathLike[str]  # a File, or a Run


def known(options: Mapping[str, object], kind: type) -> None:
    """Refuse keywords that a type of options does not have, and texts that are not strings. Raises UsageError that names the one meant."""
    for name, value in options.items():
        if name not in kind.__annotations__:
            raise UsageError(f"there is no option '{name}'", did_you_mean(name, kind.__annotations__))
        if kind.__annotations__[name] is str:
            texts(**{name: value})


def texts(**given: object) -> None:
    """Refuse what is not a text. Raises UsageError that names it."""
    for name, value in given.items():
        if not isinstance(value, str):
            raise UsageError(f"{name} cannot be {value!r}", "give a string")


def text_of(name: str, given: PathLike) -> str:
    """Return a name or a path as text. Raises UsageError when it is neither."""
    if not isinstance(given, str | os.PathLike):
        raise UsageError(f"{name} cannot be {given!r}", "give a string, or a pathlib.Path")
    return os.fspath(given)


def several(name: str, given: Iterable[PathLike] | PathLike) -> list[str]:
    """Return paths or names as texts; one alone is a list of one. Raises UsageError where one is neither."""
    found = given if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    named = []
    for item in found:
        if not isinstance(item, str | os.PathLike):
            raise UsageError(f"{name} cannot be {item!r}", "give a name or a path, or a list of them")
        named.append(os.fspath(item))
    return named


def at_least(least: int, **numbers: object) -> None:
    """Refuse what is not an integer, or smaller than `least`. Raises UsageError that names it."""
    for name, number in numbers.items():
        if not isinstance(number, int) or isinstance(number, bool) or number < least:
            raise UsageError(f"{name} cannot be {number!r}", f"give an integer of at least {least}")


def as_path(path: PathLike | None) -> Path | None:
    """Return the path; None stays. Raises UsageError when it is neither text nor a path."""
    return None if path is None else path_of(path)


def path_of(path: PathLike) -> Path:
    """Return the path. Raises UsageError when it is neither text nor a path, or when no file can have its name."""
    text = text_of("a path", path)
    if "\0" in text:
        raise UsageError(f"a path cannot be {text!r}", "a file name cannot contain a null character")
    return Path(text)
