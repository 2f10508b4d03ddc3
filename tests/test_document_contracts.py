"""The contract of every document in DOCUMENTS: read as written, and refused when anything in it is of another form."""

import json
from pathlib import Path
from typing import Any

import pytest

from edgetl.documents import DOCUMENTS, publish
from edgetl.errors import RunError
from tests.fuzz.documents import example, places

SCHEMAS = Path(__file__).resolve().parents[1] / "docs/schemas"


@pytest.fixture(params=list(DOCUMENTS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def read(name: str, values: Any, folder: Path) -> Any:
    path = folder / "x.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    return DOCUMENTS.load(name).read(path)


def test_it_is_read_as_it_was_written(name: str, tmp_path: Path) -> None:
    document = read(name, json.loads(example(name)), tmp_path)
    document.write(tmp_path / "again.json")
    assert type(document).read(tmp_path / "again.json") == document


def test_it_shows_itself_in_a_terminal_and_in_a_notebook(name: str, tmp_path: Path) -> None:
    document = read(name, json.loads(example(name)), tmp_path)
    assert repr(document).strip()
    assert document._repr_html_().startswith("<p><b>")


def test_a_value_of_another_type_is_refused(name: str, tmp_path: Path) -> None:
    whole = {"": json.loads(example(name))}
    # Figures keep the settings of their time, whatever these were.
    anything = [whole[""][key] for key in ("recipe", "settings")] if name == "results" else []
    free = [id(holder) for holder, _ in places(anything)]
    for holder, key in list(places(whole)):
        if id(holder) in free:
            continue
        kept = holder[key]
        holder[key] = {"?": [None]} if isinstance(kept, str | list | bool | int | float | None) else 5
        with pytest.raises(RunError, match=r"cannot read .*x\.json"):
            read(name, whole[""], tmp_path)
        holder[key] = kept
    assert read(name, whole[""], tmp_path)


def test_another_version_and_unknown_keys_are_named(name: str, tmp_path: Path) -> None:
    values = json.loads(example(name))
    with pytest.raises(RunError, match=r"it has schema version 99.*this is edgetl"):
        read(name, values | {"schema_version": 99, "software": {"edgetl": "7.5"}}, tmp_path)
    with pytest.raises(RunError, match="telepathy"):
        read(name, values | {"telepathy": 1}, tmp_path)
    del values["schema_version"]
    with pytest.raises(RunError, match="it has no schema_version"):
        read(name, values, tmp_path)


def test_the_published_schemas_are_current(tmp_path: Path) -> None:
    publish(tmp_path)
    made = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    there = {path.name: path.read_text(encoding="utf-8") for path in SCHEMAS.iterdir()}
    assert made == there, "make them again: python -m edgetl.documents docs/schemas"
