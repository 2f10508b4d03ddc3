"""README.md and the pages under docs/ as tests read them: blocks of code, what they need, and the commands in them."""

import itertools
import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
GENERATED = {"cli.md", "settings.md", "backbones.md", "schemas.md"}  # by docs/generate.py
PAGES = [ROOT / "README.md", *sorted(path for path in (ROOT / "docs").rglob("*.md") if path.name not in GENERATED)]
_BLOCK = re.compile(
    r"(?:^[ ]*<!-- needs: (?P<needs>[^>\n]+) -->\n)?^(?P<indent>[ ]*)```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^[ ]*```$", re.M | re.S
)
_BEFORE = re.compile(r"\w+=\S*|if|then|else|!|time")  # what may stand before a command's name
SHELL = ("sh", "bash", "shell", "console")


@dataclass(frozen=True)
class Block:
    """A block of code of a page.

    Attributes:
        page: path from the root of the checkout.
        line: number of the line on which it begins, from 1.
        needs: what a comment before it says that not every machine has, such as a phone: names in tests/needs.py; none: it runs.
    """

    page: str
    line: int
    language: str
    text: str
    needs: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(path: Path) -> list[Block]:
    """Return the blocks of code of a page, in order."""
    text, page = path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix()
    return [
        Block(page, text.count("\n", 0, one.start()) + 1, one["language"], textwrap.dedent(one["text"]), _names(one["needs"]))
        for one in _BLOCK.finditer(text)
    ]


def _names(needs: str | None) -> tuple[str, ...]:
    return tuple(need.strip() for need in (needs or "").split(",") if need.strip())


def commands(shell: str) -> Iterator[list[str]]:
    """Yield the words of each command of a shell's text, without what stands before its name and behind it (pipes, redirections)."""
    for line in shell.replace("\\\n", " ").split("\n"):
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if set(word) <= set("();<>|&"):
                if words and words[0] not in ("fi", "done"):
                    yield words
                words = []
            elif words or not _BEFORE.fullmatch(word):
                words.append(word)


def edgetl_commands(block: Block) -> list[list[str]]:
    """Return the words behind `edgetl` of each of its calls, also in the steps of a workflow."""
    shell = "\n".join(steps(block)) if block.language in ("yaml", "yml") else block.text
    if block.language not in (*SHELL, "yaml", "yml"):
        return []
    return [words[1:] for words in commands(shell) if words[0].rpartition("/")[2] == "edgetl"]


def steps(workflow: Block) -> list[str]:
    """Return the commands of each step of a workflow that runs some."""
    return list(_steps(yaml.safe_load(workflow.text)))


def inline_commands(path: Path) -> list[list[str]]:
    """Return the words behind `edgetl` of each call that stands in a line of text or a cell of a table."""
    text = _BLOCK.sub("", path.read_text(encoding="utf-8"))
    found = re.findall(r"`edgetl\s+([^`]+)`", text)
    return [list(_before_a_pipe(words)) for words in map(shlex.split, found)]


def _before_a_pipe(words: list[str]) -> Iterator[str]:
    return itertools.takewhile(lambda word: word != "|", words)


def _steps(document: object) -> Iterator[str]:
    """Yield the commands of a workflow's steps, its values by the key `run`."""
    items = document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    for key, value in items:
        if key == "run":
            yield value
        else:
            yield from _steps(value)
