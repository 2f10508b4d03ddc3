"""Find images that occur more than once."""

from collections.abc import Callable, Iterator

from edgetl.diagnosis.base import DatasetFacts, Finding, ImagePair

_ALL_ALIKE = 0.2  # share of images with a near copy: they show one scene, or are frames of a film, and likeness proves little
_RANKS = ("train", "val", "test")  # of a leak's two images, the one that is easier to spare is left out


def leaks(data: DatasetFacts) -> Iterator[Finding]:
    """Yield copies of an image in two splits."""

    def other_split(pair: ImagePair) -> bool:
        return data.splits[pair.first] != data.splits[pair.second]

    doubted = all_alike(data)
    for kept, spared, pair in _ordered(data, other_split):
        detail, name = f"{_likeness(pair)} is in {data.splits[spared]} and {data.splits[kept]}", (data.names[spared],)
        sure, doubtful = ((), name) if doubted and pair.likeness < 1 else (name, ())
        yield Finding(*name, detail, (data.names[kept],), pair.likeness, exclude=sure, consider=doubtful)


def two_labels(data: DatasetFacts) -> Iterator[Finding]:
    """Yield copies of an image in two classes."""

    def other_label(pair: ImagePair) -> bool:
        return not data.same_classes(pair.first, pair.second)

    for first, second, pair in _ordered(data, other_label):
        names = data.names[first], data.names[second]
        labelled, beside = ("is labelled", ", and its copy ") if data.several else ("is in the classes", " and ")
        detail = f"{_likeness(pair)} {labelled} {data.class_name(first)}{beside}{data.class_name(second)}"
        sure, doubtful = (names, ()) if pair.likeness == 1 else ((), names)
        yield Finding(names[0], detail, names[1:], pair.likeness, exclude=sure, consider=doubtful)


def duplicates(data: DatasetFacts) -> Iterator[Finding]:
    """Yield copies of a file in the same split and class."""
    for kept, spared, pair in _ordered(data, _within(data)):
        if pair.likeness == 1:
            yield Finding(data.names[spared], "a copy of the same file", (data.names[kept],), exclude=(data.names[spared],))


def near_duplicates(data: DatasetFacts) -> Iterator[Finding]:
    """Yield near copies of an image in the same split and class."""
    for kept, spared, pair in _ordered(data, _within(data)):
        if pair.likeness < 1:
            yield Finding(
                data.names[spared],
                "nearly the same image again",
                (data.names[kept],),
                pair.likeness,
                consider=(data.names[spared],),
            )


def all_alike(data: DatasetFacts) -> bool:
    """Return whether so many images have a near copy that it is their nature."""
    return len({row for pair in data.pairs if pair.likeness < 1 for row in (pair.first, pair.second)}) > _ALL_ALIKE * len(data.names)


def _within(data: DatasetFacts) -> Callable[[ImagePair], bool]:
    """Return a predicate: whether a pair lies in one split and one class."""

    def within(pair: ImagePair) -> bool:
        return data.splits[pair.first] == data.splits[pair.second] and data.same_classes(pair.first, pair.second)

    return within


def _ordered(data: DatasetFacts, wanted: Callable[[ImagePair], bool]) -> Iterator[tuple[int, int, ImagePair]]:
    """Yield (row to keep, row to leave out, pair) of the wanted pairs; of two in one split the first is kept."""
    for pair in data.pairs:
        if wanted(pair):
            spared, kept = sorted((pair.first, pair.second), key=lambda row: (_RANKS.index(data.splits[row]), -row))
            yield kept, spared, pair


def _likeness(pair: ImagePair) -> str:
    return "the same file" if pair.likeness == 1 else "nearly the same image"
