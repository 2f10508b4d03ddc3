"""Find classes that images show together so often that a model cannot learn one without the other."""

from collections.abc import Iterator
from itertools import permutations

from edgetl.diagnosis.base import DatasetFacts, Finding
from edgetl.wording import counted

_FEW = 5  # images of a class; fewer are with another one by chance


def together(data: DatasetFacts) -> Iterator[Finding]:
    """Yield classes that are never without another one, or on every image, where an image may show several."""
    if not data.several:
        return
    shown = data.shown
    counts, pairs = shown.sum(0), shown.T.astype(int) @ shown
    for k, name in enumerate(data.class_names):
        if counts[k] == len(shown):
            yield Finding(name, "on every image: there is none without it to learn from", score=0.9, kind="class")
    for one, other in permutations(range(len(counts)), 2):
        if counts[one] < _FEW or pairs[one, other] < counts[one] or counts[other] == len(shown):
            continue
        name, with_it, images = data.class_names[one], repr(data.class_names[other]), counted(int(counts[one]), "image")
        if counts[other] > counts[one]:
            yield Finding(name, f"never without {with_it}, on {images}: a model may learn only both", score=0.5, kind="class")
        elif one < other:
            yield Finding(name, f"always together with {with_it}, on {images}: a model cannot tell one from the other", kind="class")
