"""Classes that a model can hardly learn, or whose accuracy nobody will know."""

from collections import Counter
from collections.abc import Iterator

from edgetl.diagnosis.base import Finding, Seen

_FEW_TRAINING = 20  # below it, heads on pretrained features still gain points by every image
_FEW_VALIDATION = 10  # one image is ten points of the class's recall
_UNBALANCED = 3.0  # times the images of the smallest; training weighs classes from train.balance_above on


def classes(seen: Seen) -> Iterator[Finding]:
    counts = {
        split: Counter(seen.class_name(row) for row, of in enumerate(seen.splits) if of == split) for split in ("train", "val", "test")
    }
    for name in seen.class_names:
        train, val, test = (counts[split][name] for split in ("train", "val", "test"))
        if not train:
            yield Finding(name, "no training image: it cannot be learned", kind="class")
        elif train < _FEW_TRAINING:
            yield Finding(name, f"{train} training images", score=0.5, kind="class")
        if not val:
            yield Finding(name, "no validation image: accuracy says nothing about it", score=0.9, kind="class")
        elif val < _FEW_VALIDATION:
            yield Finding(name, f"{val} validation images: little is known of its accuracy", score=0.4, kind="class")
        if counts["test"] and not test:
            yield Finding(name, "no test image: figures on the test split say nothing about it", score=0.9, kind="class")
    trained = counts["train"]
    largest, smallest = max(seen.class_names, key=trained.__getitem__), min(seen.class_names, key=trained.__getitem__)
    if trained[largest] >= _UNBALANCED * max(trained[smallest], 1):
        detail = f"{trained[largest]} training images, {smallest!r} only {trained[smallest]}: training weighs them"
        yield Finding(largest, detail, score=0.6, kind="class")
