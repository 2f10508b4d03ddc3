"""Checks of images: each looks at facts about all of them, and yields what may be wrong."""

from collections.abc import Mapping, Sequence

from edgetl.diagnosis.base import Check, Finding
from edgetl.registry import Registry

CHECKS: Registry[Check] = Registry(
    "check",
    {
        "unreadable": (
            "edgetl.diagnosis.files:unreadable",
            "files that training leaves out: not an image, cut short, or in no class",
        ),
        "damaged": ("edgetl.diagnosis.files:damaged", "files that can be decoded although a part of them is lost"),
        "leaks": (
            "edgetl.diagnosis.copies:leaks",
            "the same or nearly the same image in two splits: accuracy on the second one is overstated",
        ),
        "two_labels": (
            "edgetl.diagnosis.copies:two_labels",
            "the same or nearly the same image in two classes, or with other labels: one is wrong",
        ),
        "duplicates": ("edgetl.diagnosis.copies:duplicates", "the same file again, in the same split and class"),
        "near_duplicates": ("edgetl.diagnosis.copies:near_duplicates", "nearly the same image again, in the same split and class"),
        "wrong_labels": (
            "edgetl.diagnosis.labels:wrong_labels",
            "images that a model assigns to another class: some are mislabelled, some only hard",
        ),
        "placeholders": (
            "edgetl.diagnosis.placeholders:placeholders",
            "images of few colours, unlike their class: the 'image not found' of a photo host, or a card with text",
        ),
        "classes": ("edgetl.diagnosis.classes:classes", "classes with few images or none, and classes that are far from balanced"),
        "together": ("edgetl.diagnosis.together:together", "of several classes an image, those that are never without another one"),
        "constant": ("edgetl.diagnosis.shapes:constant", "images that are almost uniform"),
        "sizes": (
            "edgetl.diagnosis.shapes:sizes",
            "images far smaller or larger than the others, or so long that a square crop shows little",
        ),
        "colours": (
            "edgetl.diagnosis.shapes:colours",
            "images stored in another colour mode than the others: grey, with transparency, CMYK",
        ),
        "rotated": (
            "edgetl.diagnosis.shapes:rotated",
            "images that EXIF rotates upright: edgetl does so, another program may not",
        ),
    },
)

_OF_A_LABEL = ("two_labels", "wrong_labels")


def mislabelled(found: Mapping[str, Sequence[Finding]]) -> int:
    """Return of how many images a label is to be checked, by the findings of each check."""
    return len({name for check in _OF_A_LABEL for one in found.get(check, ()) for name in (one.name, *one.consider)})
