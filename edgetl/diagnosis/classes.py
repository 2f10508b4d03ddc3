"""Find classes that a model can hardly learn, or whose accuracy cannot be measured."""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from edgetl.diagnosis.base import DatasetFacts, Finding
from edgetl.wording import counted

_FEW_TRAINING = 20  # below it, heads on pretrained features still gain points by every image
_FEW_VALIDATION = 10  # one image is ten points of the class's recall
_UNBALANCED = 3.0  # times the images of the smallest; training weighs classes from train.balance_above on


def classes(data: DatasetFacts) -> Iterator[Finding]:
    """Yield classes with few images or none in a split, and the largest class where they are far from balanced."""
    train_counts, val_counts, test_counts = (_counts(data, split) for split in ("train", "val", "test"))
    for name in data.class_names:
        train, val, test = train_counts[name], val_counts[name], test_counts[name]
        if not train:
            yield Finding(name, "no training image: it cannot be learned", kind="class")
        elif train < _FEW_TRAINING:
            yield Finding(name, f"only {counted(train, 'training image')}", score=0.5, kind="class")
        if not val:
            yield Finding(name, "no validation image: the accuracy does not cover it", score=0.9, kind="class")
        elif val < _FEW_VALIDATION:
            yield Finding(name, f"only {counted(val, 'validation image')}: its accuracy is uncertain", score=0.4, kind="class")
        if test_counts and not test:
            yield Finding(name, "no test image: accuracy on the test split says nothing about it", score=0.9, kind="class")
    largest, smallest = max(data.class_names, key=train_counts.__getitem__), min(data.class_names, key=train_counts.__getitem__)
    if train_counts[largest] >= _UNBALANCED * max(train_counts[smallest], 1):
        most = counted(train_counts[largest], "training image")
        detail = f"{most}, {smallest!r} has only {train_counts[smallest]}{'' if data.several else ': training weights the classes'}"
        yield Finding(largest, detail, score=0.6, kind="class")


def _counts(data: DatasetFacts, split: str) -> Counter[str]:
    """Count the images of each class in a split."""
    counts = data.shown[np.array(data.splits) == split].sum(0)
    return Counter({name: int(count) for name, count in zip(data.class_names, counts, strict=True) if count})
