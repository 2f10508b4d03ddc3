"""Plain values of a recipe by table and key: a TOML file and settings, put over others. What they mean stands in recipe.py."""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from edgetl import files
from edgetl.errors import UsageError

Overrides = Mapping[str, object] | Iterable[str]  # settings by dotted key, or texts such as "train.epochs=5"


def read(path: Path) -> dict[str, Any]:
    """Return the tables of a recipe file. Raises UsageError when it cannot be read."""
    try:
        return files.read_toml(path)
    except FileNotFoundError:
        raise UsageError(f"there is no recipe at {path}", "see edgetl/resources/quickstart.toml for one") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the recipe {path}: {error}", "it must be TOML, in UTF-8") from error


def merge(values: dict[str, Any], over: Mapping[str, Any]) -> None:
    """Put values over others, table by table."""
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(values.get(key), dict):
            merge(values[key], value)
        else:
            values[key] = value


def put_settings(values: dict[str, Any], settings: Overrides | None, options: Mapping[str, Any] | None) -> None:
    """Put settings that are texts over the values, over them options by dotted key, and over those settings by dotted key."""
    given = list(settings or ()) if isinstance(settings or (), Iterable) else [settings]
    if isinstance(settings, str) or not all(isinstance(one, str) for one in given):
        raise UsageError(f"settings cannot be {settings!r}", "give a dictionary such as {'augment.flip': False}")
    for setting in map(str, () if isinstance(settings, Mapping) else given):
        key, equals, text = setting.partition("=")
        if not equals:
            raise UsageError(f"--set {setting!r} has no '='", "write it as --set train.epochs=5")
        _put(values, key.strip(), _literal(text.strip()))
    _put_given(values, options)
    if isinstance(settings, Mapping):
        _put_given(values, settings)


def _put_given(values: dict[str, Any], options: Mapping[str, Any] | None) -> None:
    for key, value in (options or {}).items():
        if value is not None:
            _put(values, key, value)


def _put(values: dict[str, Any], key: str, value: Any) -> None:
    *tables, last = key.split(".")
    merge(values, _nested(tables, {last: value}))


def _nested(tables: list[str], inner: dict[str, Any]) -> dict[str, Any]:
    for table in reversed(tables):
        inner = {table: inner}
    return inner


def _literal(text: str) -> Any:
    """Return a TOML value, or the text itself when it is none (so that names need no quotes)."""
    try:
        (value,) = tomllib.loads(f"value = {text}").values()
        return value
    except (ValueError, RecursionError):
        return text
