"""Names that a user may write, each loaded when it is used: a variant is one file and one line in its folder's registry."""

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Generic, TypeVar

from edgetl.errors import UsageError

T = TypeVar("T")


@dataclass(frozen=True)
class Entry:
    """Where a variant lives (`module:attribute`) and what it is, in one line."""

    target: str
    summary: str


class Registry(Generic[T]):
    """The variants of one kind, in the order in which they are listed.

    Args:
        kind: what an entry is, in the singular, for messages.
        entries: name to (target, summary).
    """

    def __init__(self, kind: str, entries: dict[str, tuple[str, str]]) -> None:
        self.kind = kind
        self._entries = {name: Entry(*entry) for name, entry in entries.items()}

    def register(self, name: str, target: str, summary: str) -> None:
        """Add a variant from outside of the package. Raises ValueError when there is one of this name.

        Args:
            target: its `module:attribute`, imported when it is used.
        """
        if name in self._entries:
            raise ValueError(f"there is a {self.kind} '{name}' already")
        self._entries[name] = Entry(target, summary)

    @property
    def first(self) -> str:
        """The name that stands first: what is used where none is asked for."""
        return next(iter(self._entries))

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def summary(self, name: str) -> str:
        return self._entries[self.check(name)].summary

    def check(self, name: str) -> str:
        """Give the name back, or raise UsageError with the closest name and all choices."""
        if name not in self._entries:
            raise UsageError(f"unknown {self.kind} '{name}'", did_you_mean(name, self._entries))
        return name

    def load(self, name: str) -> T:
        """Import the variant's module and give its object."""
        module, _, attribute = self._entries[self.check(name)].target.partition(":")
        loaded: T = getattr(import_module(module), attribute)
        return loaded


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return a hint: the choice closest to the word, if any is close, and all of them."""
    choices = list(choices)
    close = closest(word, choices)
    guess = f"did you mean '{close}'? " if close else ""
    return f"{guess}choices: {', '.join(choices)}"


def closest(word: str, choices: Sequence[str]) -> str:
    """Return the choice that is spelled almost so, or that the word abbreviates, as "lr" does "learning_rate"; empty: there is none."""
    spelled = difflib.get_close_matches(word, choices, n=1)
    short = word.lower()
    letters = re.compile(".*".join(map(re.escape, short)))
    longer = [one for one in choices if len(word) > 1 and letters.match(one.lower())]
    initials = [one for one in longer if "".join(re.findall(r"(?<![a-z])[a-z]", one.lower())) == short]
    return next(iter(spelled or initials or sorted(longer, key=len)), "")
