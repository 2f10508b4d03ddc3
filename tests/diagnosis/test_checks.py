"""Every check finds what it is there for, and nothing in images that are in order."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from edgetl.data.base import Rejected
from edgetl.diagnosis import CHECKS
from edgetl.diagnosis.base import DatasetFacts, Finding, ImageFacts, ImagePair

PER_CLASS = {"train": 40, "val": 12}


def sound() -> DatasetFacts:
    """Two classes of 52 images, told apart by their features."""
    splits = tuple(split for _ in range(2) for split, count in PER_CLASS.items() for _ in range(count))
    labels = np.repeat([0, 1], sum(PER_CLASS.values()))
    images = tuple(
        ImageFacts(f"{row:064}", (320, 240), "RGB", 1, "", 50.0, 9.0, np.zeros((48, 48), np.uint8)) for row in range(len(labels))
    )
    features = np.random.default_rng(0).normal(size=(len(labels), 200)).astype(np.float32)
    features += 2 * labels[:, None]
    return DatasetFacts(("cat", "dog"), tuple(f"{row}.jpg" for row in range(len(labels))), labels, splits, images, (), (), features)


def with_facts(**changes: object) -> DatasetFacts:
    dataset = sound()
    return replace(dataset, images=(replace(dataset.images[0], **changes), *dataset.images[1:]))  # type: ignore[arg-type]


def relabelled(row: int) -> DatasetFacts:
    dataset = sound()
    labels = dataset.label_ids.copy()
    labels[row] = 1 - labels[row]
    return replace(dataset, label_ids=labels)


def paired(first: int, second: int, likeness: float) -> DatasetFacts:
    return replace(sound(), pairs=(ImagePair(first, second, likeness),))


def without(*rows: int) -> DatasetFacts:
    dataset = sound()
    kept = [row for row in range(len(dataset.names)) if row not in rows]
    return replace(
        dataset,
        names=tuple(dataset.names[row] for row in kept),
        label_ids=dataset.label_ids[kept],
        splits=tuple(dataset.splits[row] for row in kept),
        images=tuple(dataset.images[row] for row in kept),
        features=None,
    )


def several(**changes: object) -> DatasetFacts:
    """Return images of any of three classes, each on half of them and in all combinations, told apart by their features."""
    dataset = sound()
    random = np.random.default_rng(1)
    labels = np.arange(len(dataset.names))[:, None] >> np.arange(3) & 1
    features = random.normal(size=(len(labels), 60)).astype(np.float32)
    features[:, :30] += 2 * np.repeat(labels, 10, axis=1)
    given = {"class_names": ("cat", "dog", "eel"), "label_ids": labels, "features": features} | changes
    return replace(dataset, **given)  # type: ignore[arg-type]


def several_with(row: int, label_id: int, value: int) -> DatasetFacts:
    dataset = several()
    dataset.label_ids[row, label_id] = value
    return dataset


def never_without(one: int, other: int) -> DatasetFacts:
    dataset = several(features=None)
    dataset.label_ids[:, other] |= dataset.label_ids[:, one]
    return dataset


FAULTS: dict[str, list[tuple[Callable[[], DatasetFacts], str, str]]] = {
    "unreadable": [(lambda: replace(sound(), rejected=(Rejected("x.jpg", "the file is empty"),)), "x.jpg", "exclude")],
    "damaged": [
        (lambda: with_facts(damage="Corrupt JPEG data: premature end"), "0.jpg", "exclude"),
        (lambda: with_facts(damage="damaged: 3 extraneous bytes before marker"), "0.jpg", "consider"),
    ],
    "leaks": [
        (lambda: paired(0, 40, 1.0), "0.jpg", "exclude"),
        (lambda: paired(40, 0, 0.97), "0.jpg", "exclude"),
    ],
    "two_labels": [(lambda: paired(0, 52, 1.0), "0.jpg", "exclude"), (lambda: paired(52, 0, 0.97), "0.jpg", "consider")],
    "duplicates": [
        (lambda: several(label_ids=np.ones((104, 3), np.int64), pairs=(ImagePair(0, 1, 1.0),)), "1.jpg", "exclude"),
        (lambda: paired(0, 1, 1.0), "1.jpg", "exclude"),
    ],
    "near_duplicates": [(lambda: paired(0, 1, 0.97), "1.jpg", "consider")],
    "wrong_labels": [
        (lambda: relabelled(3), "3.jpg", "consider"),
        (lambda: several_with(5, 1, 1 - int(several().label_ids[5, 1])), "5.jpg", "consider"),
    ],
    "placeholders": [
        (lambda: with_facts(colour_bits=2.9), "0.jpg", "consider"),
        (lambda: replace(with_facts(colour_bits=2.5), features=None), "0.jpg", "consider"),
    ],
    "classes": [
        (lambda: without(*range(25)), "cat", ""),
        (lambda: without(*range(40)), "cat", ""),
        (lambda: without(*range(40, 52)), "cat", ""),
        (lambda: without(*range(40, 48)), "cat", ""),
    ],
    "together": [(lambda: never_without(0, 1), "cat", "")],
    "constant": [(lambda: with_facts(contrast=1.0), "0.jpg", "consider")],
    "sizes": [(lambda: with_facts(size=(40, 40)), "0.jpg", ""), (lambda: with_facts(size=(800, 240)), "0.jpg", "")],
    "colours": [(lambda: with_facts(mode="CMYK"), "0.jpg", "")],
    "rotated": [(lambda: with_facts(orientation=6), "0.jpg", "")],
}


@pytest.mark.parametrize("name", CHECKS)
def test_nothing_is_found_where_nothing_is_wrong(name: str) -> None:
    assert list(CHECKS.load(name)(sound())) == []
    assert list(CHECKS.load(name)(several())) == []


@pytest.mark.parametrize(("name", "number"), [(name, number) for name in CHECKS for number in range(len(FAULTS[name]))])
def test_a_fault_is_found_by_its_check(name: str, number: int) -> None:
    make, what, listed = FAULTS[name][number]
    found = list(CHECKS.load(name)(make()))
    assert found[0].name == what
    assert {one.kind for one in found} == {"class" if name in ("classes", "together") else "image"}
    for way in ("exclude", "consider"):
        names = {left for one in found for left in getattr(one, way)}
        assert (what in names) == (way == listed)


def test_a_copy_is_named_once() -> None:
    """A leak is no duplicate within a split, nor the other way round."""
    checks = ("leaks", "two_labels", "duplicates", "near_duplicates")
    for pair in ((0, 1, 1.0), (0, 1, 0.97), (0, 40, 1.0), (0, 52, 0.97)):
        found: list[Finding] = [one for name in checks for one in CHECKS.load(name)(paired(*pair))]
        assert len(found) == 1


def test_labels_are_not_judged_by_too_few_images() -> None:
    dataset = sound()
    few = [*range(5), *range(52, 104)]
    assert not list(
        CHECKS.load("wrong_labels")(
            replace(
                dataset,
                names=tuple(dataset.names[row] for row in few),
                label_ids=dataset.label_ids[few],
                splits=tuple(dataset.splits[row] for row in few),
                images=tuple(dataset.images[row] for row in few),
                features=np.zeros((len(few), 8), np.float32),
            )
        )
    )


def test_no_placeholder_is_what_its_class_is_like_or_where_a_network_sees_an_object() -> None:
    drawings = replace(sound(), images=tuple(replace(image, colour_bits=2.0) for image in sound().images))
    before_black = relabelled(52)  # the features of the other class, which are longer
    before_black = replace(
        before_black, images=tuple(replace(one, colour_bits=2.0 if row == 52 else 9.0) for row, one in enumerate(before_black.images))
    )
    for data in (drawings, replace(drawings, features=None), before_black):
        assert not list(CHECKS.load("placeholders")(data))


def test_what_is_alike_by_nature_is_for_a_person_to_judge() -> None:
    frames = tuple(ImagePair(row, row + 40, 0.97) for row in range(12))
    leaks = list(CHECKS.load("leaks")(replace(sound(), pairs=(*frames, ImagePair(20, 92, 1.0)))))
    assert [name for one in leaks for name in one.exclude] == ["20.jpg"]
    assert sorted(name for one in leaks for name in one.consider) == sorted(f"{row}.jpg" for row in range(12))


def test_classes_that_are_always_together_are_named_once() -> None:
    dataset = several()
    dataset.label_ids[:, 2] = dataset.label_ids[:, 0]
    (found,) = CHECKS.load("together")(dataset)
    assert (found.name, "always together with 'eel'" in found.detail) == ("cat", True)


def test_copies_with_other_labels_are_found() -> None:
    dataset = several(pairs=(ImagePair(0, 1, 1.0),))
    dataset.label_ids[:2] = [[1, 0, 0], [1, 1, 0]]
    (found,) = CHECKS.load("two_labels")(dataset)
    assert found.detail == "the same file is labelled cat, and its copy cat and dog"
