"""Every check finds what it is there for, and nothing in images that are in order."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from edgetl.data.base import Rejected
from edgetl.diagnosis import CHECKS
from edgetl.diagnosis.base import Finding, Look, Pair, Seen

PER_CLASS = {"train": 40, "val": 12}


def sound() -> Seen:
    """Two classes of 52 images, told apart by their features."""
    splits = tuple(split for _ in range(2) for split, count in PER_CLASS.items() for _ in range(count))
    labels = np.repeat([0, 1], sum(PER_CLASS.values()))
    looks = tuple(Look(f"{row:064}", (320, 240), "RGB", 1, "", 50.0, np.zeros((48, 48), np.uint8)) for row in range(len(labels)))
    features = np.random.default_rng(0).normal(size=(len(labels), 200)).astype(np.float32)
    features += 2 * labels[:, None]
    return Seen(("cat", "dog"), tuple(f"{row}.jpg" for row in range(len(labels))), labels, splits, looks, (), (), features)


def with_look(**changes: object) -> Seen:
    seen = sound()
    return replace(seen, looks=(replace(seen.looks[0], **changes), *seen.looks[1:]))  # type: ignore[arg-type]


def relabelled(row: int) -> Seen:
    seen = sound()
    labels = seen.label_ids.copy()
    labels[row] = 1 - labels[row]
    return replace(seen, label_ids=labels)


def paired(first: int, second: int, likeness: float) -> Seen:
    return replace(sound(), pairs=(Pair(first, second, likeness),))


def without(*rows: int) -> Seen:
    seen = sound()
    kept = [row for row in range(len(seen.names)) if row not in rows]
    return replace(
        seen,
        names=tuple(seen.names[row] for row in kept),
        label_ids=seen.label_ids[kept],
        splits=tuple(seen.splits[row] for row in kept),
        looks=tuple(seen.looks[row] for row in kept),
        features=None,
    )


FAULTS: dict[str, list[tuple[Callable[[], Seen], str, str]]] = {
    "unreadable": [(lambda: replace(sound(), rejected=(Rejected("x.jpg", "the file is empty"),)), "x.jpg", "exclude")],
    "damaged": [
        (lambda: with_look(damage="Corrupt JPEG data: premature end"), "0.jpg", "exclude"),
        (lambda: with_look(damage="damaged: 3 extraneous bytes before marker"), "0.jpg", "consider"),
    ],
    "leaks": [
        (lambda: paired(0, 40, 1.0), "0.jpg", "exclude"),
        (lambda: paired(40, 0, 0.97), "0.jpg", "exclude"),
    ],
    "two_labels": [(lambda: paired(0, 52, 1.0), "0.jpg", "exclude"), (lambda: paired(52, 0, 0.97), "0.jpg", "consider")],
    "duplicates": [(lambda: paired(0, 1, 1.0), "1.jpg", "exclude")],
    "near_duplicates": [(lambda: paired(0, 1, 0.97), "1.jpg", "consider")],
    "wrong_labels": [(lambda: relabelled(3), "3.jpg", "consider")],
    "classes": [
        (lambda: without(*range(25)), "cat", ""),
        (lambda: without(*range(40)), "cat", ""),
        (lambda: without(*range(40, 52)), "cat", ""),
        (lambda: without(*range(40, 48)), "cat", ""),
    ],
    "constant": [(lambda: with_look(contrast=1.0), "0.jpg", "consider")],
    "sizes": [(lambda: with_look(size=(40, 40)), "0.jpg", ""), (lambda: with_look(size=(800, 240)), "0.jpg", "")],
    "colours": [(lambda: with_look(mode="CMYK"), "0.jpg", "")],
    "rotated": [(lambda: with_look(orientation=6), "0.jpg", "")],
}


@pytest.mark.parametrize("name", CHECKS)
def test_nothing_is_found_where_nothing_is_wrong(name: str) -> None:
    assert list(CHECKS.load(name)(sound())) == []


@pytest.mark.parametrize(("name", "number"), [(name, number) for name in CHECKS for number in range(len(FAULTS[name]))])
def test_a_fault_is_found_by_its_check(name: str, number: int) -> None:
    make, what, listed = FAULTS[name][number]
    found = list(CHECKS.load(name)(make()))
    assert found[0].what == what
    assert {one.kind for one in found} == {"class" if name == "classes" else "image"}
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
    seen = sound()
    few = [*range(5), *range(52, 104)]
    assert not list(
        CHECKS.load("wrong_labels")(
            replace(
                seen,
                names=tuple(seen.names[row] for row in few),
                label_ids=seen.label_ids[few],
                splits=tuple(seen.splits[row] for row in few),
                looks=tuple(seen.looks[row] for row in few),
                features=np.zeros((len(few), 8), np.float32),
            )
        )
    )


def test_what_is_alike_by_nature_is_for_a_person_to_judge() -> None:
    frames = tuple(Pair(row, row + 40, 0.97) for row in range(12))
    leaks = list(CHECKS.load("leaks")(replace(sound(), pairs=(*frames, Pair(20, 92, 1.0)))))
    assert [name for one in leaks for name in one.exclude] == ["20.jpg"]
    assert sorted(name for one in leaks for name in one.consider) == sorted(f"{row}.jpg" for row in range(12))
