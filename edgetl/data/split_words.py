"""The words that name a split, in folders and in CSV files: one table, with what stands before and behind them."""

import re
from collections.abc import Iterable

# Holdout means test: it is kept away from every choice. An evaluation is made while the model is being chosen (Keras' and Hugging
# Face's evaluation data), so it is val; but beside a val it is the last one (as in Food-11), so it is test: see `splits_of`.
_WORDS = {
    "train": ("train", "training", "trn"),
    "val": ("val", "valid", "validation", "validate", "dev", "devel", "development"),
    "eval": ("eval", "evaluation"),
    "test": ("test", "testing", "tst", "holdout", "hold out", "heldout", "held out", "public test", "private test", "publictest"),
}
_MEANINGS = {word: meaning for meaning, words in _WORDS.items() for word in words}
# What says nothing about a class, joined to the word or apart from it: training_set, imagesTrain, seg_test, val2017.
_AROUND = ("", "set", "split", "data", "dataset", "dir", "part", "images", "image", "imgs", "img", "photos", "seg", "x")
_BEFORE, _BEHIND = "|".join(_AROUND), "|".join((*_AROUND, *(f"{word}s" for word in ("set", "split"))))
_WORD = re.compile(rf"(?<![^ ])(?:{_BEFORE})({'|'.join(sorted(_MEANINGS, key=len, reverse=True))})(?:{_BEHIND})(?![^ ])")
_EMPTY = re.compile(rf"(?:{_BEHIND})")

CHOICES = "choices: train (training), val (valid, validation, dev, eval, evaluation), test (testing, holdout), also as in train_images"


def splits_of(names: Iterable[str]) -> dict[str, str]:
    """Return the split that each name means, of those that mean one.

    A name is a split word with what says nothing about a class around it ("Training", "test_set", "val2017"), or with what it shares with
    at least one other such name and all of them ("flowers_train", "flowers_test").
    """
    meant = {name: parts for name in names if (parts := _taken_apart(name))}
    around = [rest for _, rest in meant.values() if rest]
    shared = set(around) if len(around) > 1 and len(set(around)) == 1 else set()
    found = {name: meaning for name, (meaning, rest) in meant.items() if not rest or rest in shared}
    last = "test" if "val" in found.values() else "val"
    return {name: last if meaning == "eval" else meaning for name, meaning in found.items()}


def with_classes(names: Iterable[str]) -> list[str]:
    """Return the names that seem to name a class's share of a split: "train_cats" and "test_cats", trainA and testA."""
    meant = {name: parts for name in names if (parts := _taken_apart(name)) and parts[1]}
    meanings: dict[str, set[str]] = {}
    for meaning, rest in meant.values():
        meanings.setdefault(rest, set()).add(meaning)
    return [name for name, (_, rest) in meant.items() if len(meanings[rest]) > 1 and "train" in meanings[rest]]


def says_no_class(name: str) -> bool:
    """Return whether a name holds nothing but a split word and what may stand around it: "seg_train", "images", "data"."""
    meant, words = _taken_apart(name), _words(name).split()
    return not meant[1] if meant else bool(words) and all(_EMPTY.fullmatch(word) for word in words)


def _taken_apart(name: str) -> tuple[str, str] | None:
    """Return the meaning of the split word in a name and what else the name says; None: it has no such word, or two that differ."""
    words = _words(name)
    meanings = {_MEANINGS[word] for word in _WORD.findall(words)}
    if len(meanings) != 1:
        return None
    rest = " ".join(word for word in _WORD.sub(" ", words).split() if not _EMPTY.fullmatch(word))
    return meanings.pop(), rest


def _words(name: str) -> str:
    """Return a name's words in small letters, one blank between two; digits and punctuation are not words."""
    apart = re.sub(r"(?<=[^\W\d_])(?<=[a-z])(?=[A-Z])", " ", name)
    return " ".join(re.findall(r"[^\W\d_]+", apart)).casefold()
