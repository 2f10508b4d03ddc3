"""Reads what the apps say: one table of strings by name for all of them, in English; `{word}` in a string is filled in by the app.

A translation is a file such as de.json with the same names. Each target writes the tables as its platform reads them.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from edgetl.errors import UsageError
from edgetl.files import read_json
from edgetl.registry import did_you_mean

Table = Mapping[str, str]  # strings by name
Tables = Mapping[str, Table]  # by language: a code of ISO 639, such as "de"

ENGLISH = "en"
_ENGLISH = Path(__file__).parents[1] / "deploy" / "strings" / f"{ENGLISH}.json"
_LANGUAGE = re.compile("[a-z]{2,3}")
_FILLED_IN = re.compile(r"\{\w+\}")


def tables(translations: Sequence[Path] = ()) -> Tables:
    """Return the English table, the first, and those of the translations.

    Raises UsageError where a translation has other names than the English table, or other words to fill in, or is not such a file.
    """
    english = _read(_ENGLISH)
    found = {ENGLISH: MappingProxyType(english)}
    for path in translations:
        if not _LANGUAGE.fullmatch(path.stem):
            raise UsageError(f"{path} is not named by its language", "name a translation by the language's code, such as de.json")
        found[path.stem] = MappingProxyType(_checked(path, _read(path), english))
    return MappingProxyType(found)


def _read(path: Path) -> dict[str, str]:
    try:
        found = read_json(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the translation {path}: {error}", f"translate a copy of {_ENGLISH}") from error
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise UsageError(f"{path} is not one JSON object of strings", f"translate a copy of {_ENGLISH}")
    return found


def _checked(path: Path, table: dict[str, str], english: Table) -> dict[str, str]:
    for name, text in table.items():
        if name not in english:
            raise UsageError(f"{path}: no app has a string '{name}'", did_you_mean(name, tuple(english)))
        wanted = sorted(_FILLED_IN.findall(english[name]))
        if sorted(_FILLED_IN.findall(text)) != wanted:
            raise UsageError(
                f"{path}: '{name}' must have {' and '.join(wanted) or 'no word in braces'}", f"the English is: {english[name]}"
            )
    if missing := [name for name in english if name not in table]:
        raise UsageError(f"{path} lacks {', '.join(missing)}", f"translate them too; the English is in {_ENGLISH}")
    return table
