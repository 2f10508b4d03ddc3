"""What may be wrong with images: each check looks at what was seen of them, and names what it finds."""

from edgetl.diagnosis.base import Check
from edgetl.registry import Registry

CHECKS: Registry[Check] = Registry(
    "check",
    {
        "unreadable": (
            "edgetl.diagnosis.files:unreadable",
            "files that training leaves out: no images, cut short, in no class",
        ),
        "damaged": ("edgetl.diagnosis.files:damaged", "files that can be shown although a part of them is lost"),
        "leaks": ("edgetl.diagnosis.copies:leaks", "the same or nearly the same image in two splits: figures on the second are flattered"),
        "two_labels": ("edgetl.diagnosis.copies:two_labels", "the same or nearly the same image in two classes: one of them is wrong"),
        "duplicates": ("edgetl.diagnosis.copies:duplicates", "the same file again, in the same split and class"),
        "near_duplicates": ("edgetl.diagnosis.copies:near_duplicates", "nearly the same image again, in the same split and class"),
        "wrong_labels": ("edgetl.diagnosis.labels:wrong_labels", "images that look like another class: look at them, some are merely hard"),
        "classes": ("edgetl.diagnosis.classes:classes", "classes with few images, or with none to measure on, or far from balanced"),
        "constant": ("edgetl.diagnosis.shapes:constant", "images that show next to nothing"),
        "sizes": (
            "edgetl.diagnosis.shapes:sizes",
            "images far smaller or larger than the others, or so long that a square shows little",
        ),
        "colours": ("edgetl.diagnosis.shapes:colours", "images stored otherwise than the others: grey, with transparency, for print"),
        "rotated": (
            "edgetl.diagnosis.shapes:rotated",
            "images that EXIF turns upright: edgetl does it, another program may not",
        ),
    },
)
