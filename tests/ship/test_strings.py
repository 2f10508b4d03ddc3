"""The table of what the apps say: every app has it all, and a translation has the same names."""

import json
import re
from pathlib import Path

import pytest

from edgetl.errors import UsageError
from edgetl.ship.strings import tables
from edgetl.ship.targets.base import template

ENGLISH = tables()["en"]


def translated(folder: Path, **changes: str | None) -> Path:
    """A translation that says every string backwards, but for the words to fill in, with changes; None leaves a string out."""
    words = {name: "".join(re.split(r"(\{\w+\})", text)[::-1]) for name, text in ENGLISH.items()} | changes
    path = folder / "de.json"
    path.write_text(json.dumps({name: text for name, text in words.items() if text is not None}), encoding="utf-8")
    return path


def test_english_comes_first_and_translations_have_the_same_names(tmp_path: Path) -> None:
    found = tables([translated(tmp_path, done="Fertig")])
    assert list(found) == ["en", "de"]
    assert found["de"].keys() == ENGLISH.keys()
    assert found["de"]["done"] == "Fertig"


@pytest.mark.parametrize(
    ("name", "changes", "says"),
    [
        ("de.json", {"dnoe": "Fertig"}, "no app has a string 'dnoe'"),
        ("de.json", {"done": None, "image": None}, "lacks image, done"),
        ("de.json", {"failed": "Daneben"}, "'failed' must have {reason}"),
        ("de.json", {"done": "{x}"}, "'done' must have no word in braces"),
        ("deutsch.json", {}, "is not named by its language"),
    ],
)
def test_what_is_no_translation(tmp_path: Path, name: str, changes: dict[str, str | None], says: str) -> None:
    path = translated(tmp_path, **changes)
    with pytest.raises(UsageError, match=re.escape(says)):
        tables([path.rename(path.with_name(name))])


@pytest.mark.parametrize("content", [b"[]", b'{"done": 1}', b"{", b"\xff"])
def test_a_damaged_translation_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "de.json").write_bytes(content)
    with pytest.raises(UsageError, match=r"de\.json"):
        tables([tmp_path / "de.json"])


def test_every_string_is_said_by_an_app() -> None:
    files = [content for target in ("web", "android", "ios") for content in template(target).values()]
    code = b"".join(files).decode(errors="ignore")
    assert [name for name in ENGLISH if not re.search(rf"\b{name}\b", code) and name != "camera_purpose"] == []  # the system says that one


def test_the_web_page_says_the_english_table() -> None:
    """index.html has the English words itself, so that they are there before any script runs."""
    files = template("web")
    page = files["index.html"].decode()
    said = re.findall(r'data-say="(\w+)"[^>]*>([^<]*)', page)
    assert len(said) > 10
    for name, text in said:
        assert text.replace("EDGETL_MEGABYTES", "{megabytes}") == ENGLISH[name]
    for text, name in re.findall(r'aria-label="([^"]*)" data-say-name="(\w+)"', page):
        assert text == ENGLISH[name]
