"""The words that docs/glossary.md refuses are not used: in the package's names and text, in the README and in the pages."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache

import pytest

from tests.test_architecture import FILES, ROOT

PROJECT = ROOT.parent
GLOSSARY = PROJECT / "docs" / "glossary.md"
PAGES = [
    path
    for path in (*(PROJECT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")), *sorted((PROJECT / "docs").rglob("*.md")))
    if path != GLOSSARY
]
ROW = re.compile(r"^\| `(?P<word>(?:[^`])+)` \| (?P<instead>.+?) \| (?P<where>text, names|text|names) \|$", re.MULTILINE)

# What is left, by place and word. May only fall.
LEFT: dict[str, int] = {
    "text: told": 2,
    "text: anew": 4,
    "text: (is|are) said": 1,
    "names: labels": 5,
    "names: told": 1,
    "names: whole": 4,
    "names: fits?": 1,
    "names: (?<!not )answer(s|ed|ing)?": 1,
}

# Names of others: (file, name) and why it stays.
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("edgetl/diagnosis/copies.py", "two labels"): "labels that people gave",
    ("edgetl/diagnosis/labels.py", "wrong labels"): "labels that people gave",
}


def refused(where: str, glossary: str = "") -> dict[str, re.Pattern[str]]:
    """Return the refused words of a place, `text` or `names`, as the glossary's table gives them."""
    rows = ROW.finditer(glossary or GLOSSARY.read_text(encoding="utf-8"))
    words = [row["word"].replace(r"\|", "|") for row in rows if where in row["where"].split(", ")]
    return {word: re.compile(rf"\b(?:{word})\b", re.IGNORECASE) for word in words}


def texts(source: str) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of comments, docstrings and messages: strings of more than one word."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, node.value


def names(source: str) -> Iterator[tuple[int, str]]:
    """Yield (line, name) of everything that is given a name here, with spaces between its words."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, words(node.name)
        elif isinstance(node, ast.arg):
            yield node.lineno, words(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, words(node.id)


def words(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", " ", name).strip().lower()


@cache
def found(where: str) -> list[tuple[str, str]]:
    """Return (word, place) of every refused word."""
    return list(_found(where, refused(where)))


def _found(where: str, patterns: dict[str, re.Pattern[str]]) -> Iterator[tuple[str, str]]:
    for path in FILES:
        file = f"edgetl/{path.relative_to(ROOT).as_posix()}"
        for line, text in (names if where == "names" else texts)(path.read_text(encoding="utf-8")):
            yield from ((word, f"{file}:{line}: {text.strip()[:80]}") for word, pattern in patterns.items() if _finds(pattern, text, file))
    if where == "text":
        for page in PAGES:
            for number, text in enumerate(page.read_text(encoding="utf-8").split("\n"), 1):
                place = f"{page.relative_to(PROJECT).as_posix()}:{number}: {text.strip()[:80]}"
                yield from ((word, place) for word, pattern in patterns.items() if _finds(pattern, text, page.name))


def _finds(pattern: re.Pattern[str], text: str, file: str) -> bool:
    return bool(pattern.search(text)) and (file, text) not in EXCEPTIONS


@pytest.mark.parametrize(("where", "word"), [(where, word) for where in ("text", "names") for word in refused(where)])
def test_no_refused_word_is_used(where: str, word: str) -> None:
    places = [place for one, place in found(where) if one == word]
    assert len(places) <= LEFT.get(f"{where}: {word}", 0), f"{len(places)}\n" + "\n".join(places)


def test_every_exception_is_needed() -> None:
    for (file, name), _ in EXCEPTIONS.items():
        assert name in [one for _, one in names((PROJECT / file).read_text(encoding="utf-8"))], f"{file} has no {name}"


def test_the_glossary_is_read() -> None:
    assert len(refused("text")) >= 8
    assert len(refused("names")) >= 6
    assert ROW.pattern
    table = GLOSSARY.read_text(encoding="utf-8").split("## What we do not say")[1]
    rows = [line for line in table.split("\n") if line.startswith("| `")]
    assert len(rows) == len(ROW.findall(table)), "a row that cannot be read refuses nothing"


def test_a_refused_word_is_found() -> None:
    source = '"""The pictures of a run."""\n\ndef draw_pictures(allPictures):\n    picture = "one picture more"  # no picture'
    [word] = [word for word in refused("text") if word.startswith("picture")]
    assert sum(bool(refused("text")[word].search(text)) for _, text in texts(source)) == 3
    assert sum(bool(refused("names")[word].search(name)) for _, name in names(source)) == 3


def test_class_names_and_label_ids_are_no_labels() -> None:
    [word] = [word for word in refused("names") if word == "labels"]
    assert not refused("names")[word].search(words("label_ids"))
    assert refused("names")[word].search(words("train_labels"))
