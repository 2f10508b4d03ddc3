"""Plain values of a recipe by table and key: a TOML file and settings, put over others. What they mean stands in recipe.py."""

import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from edgetl import files
from edgetl.data import embedded
from edgetl.errors import UsageError

Overrides = Mapping[str, object] | Iterable[str]  # settings by dotted key, or texts such as "train.epochs=5"

TABLES_OF_ITS_OWN = ("quick", "pretrain")  # which hold settings for another training than the recipe's own
_SQLITE = "sqlite:///"  # what follows is a path


def _a_path(text: str) -> bool:
    return False


PATHS: dict[str, Callable[[str], bool]] = {  # settings that are paths, and whether a text is a name or an address instead
    "data.source": lambda text: text in embedded() or "://" in text,
    "data.exclude": _a_path,
    "model.weights": lambda text: text in ("imagenet", "none"),
    "imported.class_names": _a_path,
    "reject.background": _a_path,
    "teacher.run": lambda text: text in ("auto", "none"),
    "track.mlflow": lambda text: ":" in text,
}


def read(path: Path) -> dict[str, Any]:
    """Return the tables of a recipe file, with its paths relative to its folder. Raises UsageError when it cannot be read."""
    try:
        return with_paths(files.read_toml(path), path.parent)
    except FileNotFoundError:
        raise UsageError(f"there is no recipe at {path}", "check the path; 'edgetl list settings' prints what a recipe may hold") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the recipe {path}: {error}", "it must be TOML, in UTF-8") from error


def with_paths(values: dict[str, Any], folder: Path | None) -> dict[str, Any]:
    """Return the values with `~` in paths as the home folder, and relative ones below a folder (None: as they are)."""
    changed = dict(values)
    for setting, is_none in PATHS.items():
        table, key = setting.split(".")
        if isinstance(values.get(table), dict) and isinstance(text := values[table].get(key), str):
            changed[table] = changed[table] | {key: _located(text, folder, is_none)}
    nested = {name: with_paths(values[name], folder) for name in TABLES_OF_ITS_OWN if isinstance(values.get(name), dict)}
    return changed | nested


def _located(text: str, folder: Path | None, is_none: Callable[[str], bool]) -> str:
    if text.startswith(_SQLITE):
        return _SQLITE + _located(text.removeprefix(_SQLITE), folder, _a_path)
    if not text or is_none(text) or "\0" in text:
        return text
    path = Path(os.path.expanduser(text))
    if folder is None:
        return str(path) if text.startswith("~") else text
    path = folder / path
    return os.path.join(os.path.realpath(path.parent), path.name)  # a link to the file itself stays: its name says what it is


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
    """Return a TOML value, or the text itself when it is not one (so that names need no quotes)."""
    try:
        (value,) = tomllib.loads(f"value = {text}").values()
        return value
    except (ValueError, RecursionError):
        return text
