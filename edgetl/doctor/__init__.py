"""What may be wrong with pictures: each check looks at what was seen of them, and names what it finds."""

from edgetl.doctor.base import Check
from edgetl.registry import Registry

CHECKS: Registry[Check] = Registry(
    "check",
    {
        "unreadable": (
            "edgetl.doctor.files:unreadable",
            "files that training leaves out: no pictures, cut short, in no class",
        ),
        "damaged": ("edgetl.doctor.files:damaged", "files that can be shown although a part of them is lost"),
        "leaks": ("edgetl.doctor.copies:leaks", "the same or nearly the same picture in two splits: figures on the second are flattered"),
        "two_labels": ("edgetl.doctor.copies:two_labels", "the same or nearly the same picture in two classes: one of them is wrong"),
        "duplicates": ("edgetl.doctor.copies:duplicates", "the same file again, in the same split and class"),
        "near_duplicates": ("edgetl.doctor.copies:near_duplicates", "nearly the same picture again, in the same split and class"),
        "wrong_labels": ("edgetl.doctor.labels:wrong_labels", "pictures that look like another class: look at them, some are merely hard"),
        "classes": ("edgetl.doctor.classes:classes", "classes with few pictures, or with none to measure on, or far from balanced"),
        "constant": ("edgetl.doctor.shapes:constant", "pictures that show next to nothing"),
        "sizes": (
            "edgetl.doctor.shapes:sizes",
            "pictures far smaller or larger than the others, or so long that a square shows little",
        ),
        "colours": ("edgetl.doctor.shapes:colours", "pictures stored otherwise than the others: grey, with transparency, for print"),
        "rotated": (
            "edgetl.doctor.shapes:rotated",
            "pictures that EXIF turns upright: edgetl does it, another program may not",
        ),
    },
)
