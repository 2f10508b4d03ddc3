"""Images that are there more than once."""

from collections.abc import Callable, Iterator

from edgetl.diagnosis.base import Finding, Pair, Seen

_ALL_ALIKE = 0.2  # share of images with a near copy: of one scene, or frames of a film, and likeness proves little
_RANKS = ("train", "val", "test")  # of a leak's two images, the one that is easier to spare is left out


def leaks(seen: Seen) -> Iterator[Finding]:
    def other_split(pair: Pair) -> bool:
        return seen.splits[pair.first] != seen.splits[pair.second]

    doubted = all_alike(seen)
    for kept, spared, pair in _ordered(seen, other_split):
        detail, name = f"{_likeness(pair)} in {seen.splits[spared]} as in {seen.splits[kept]}", (seen.names[spared],)
        sure, doubtful = ((), name) if doubted and pair.likeness < 1 else (name, ())
        yield Finding(*name, detail, (seen.names[kept],), pair.likeness, exclude=sure, consider=doubtful)


def two_labels(seen: Seen) -> Iterator[Finding]:
    def other_label(pair: Pair) -> bool:
        return bool(seen.label_ids[pair.first] != seen.label_ids[pair.second])

    for first, second, pair in _ordered(seen, other_label):
        names = seen.names[first], seen.names[second]
        detail = f"{_likeness(pair)} as {seen.class_name(first)} and as {seen.class_name(second)}"
        sure, doubtful = (names, ()) if pair.likeness == 1 else ((), names)
        yield Finding(names[0], detail, names[1:], pair.likeness, exclude=sure, consider=doubtful)


def duplicates(seen: Seen) -> Iterator[Finding]:
    for kept, spared, pair in _ordered(seen, _within(seen)):
        if pair.likeness == 1:
            yield Finding(seen.names[spared], "the same file again", (seen.names[kept],), exclude=(seen.names[spared],))


def near_duplicates(seen: Seen) -> Iterator[Finding]:
    for kept, spared, pair in _ordered(seen, _within(seen)):
        if pair.likeness < 1:
            yield Finding(seen.names[spared], _likeness(pair), (seen.names[kept],), pair.likeness, consider=(seen.names[spared],))


def all_alike(seen: Seen) -> bool:
    """Whether so many images have a near copy that it is their nature."""
    return len({row for pair in seen.pairs if pair.likeness < 1 for row in (pair.first, pair.second)}) > _ALL_ALIKE * len(seen.names)


def _within(seen: Seen) -> Callable[[Pair], bool]:
    """Whether a pair lies in one split and one class."""

    def within(pair: Pair) -> bool:
        return bool(seen.splits[pair.first] == seen.splits[pair.second] and seen.label_ids[pair.first] == seen.label_ids[pair.second])

    return within


def _ordered(seen: Seen, wanted: Callable[[Pair], bool]) -> Iterator[tuple[int, int, Pair]]:
    """(row to keep, row to spare, pair) of the wanted pairs; of two in one split the first is kept."""
    for pair in seen.pairs:
        if wanted(pair):
            spared, kept = sorted((pair.first, pair.second), key=lambda row: (_RANKS.index(seen.splits[row]), -row))
            yield kept, spared, pair


def _likeness(pair: Pair) -> str:
    return "the same file" if pair.likeness == 1 else "nearly the same image"
