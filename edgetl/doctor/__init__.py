"""What may be wrong with images: each check looks at what was seen of them, and names what it finds."""

from edgetl.doctor.base import Check
from edgetl.registry import Registry

CHECKS: Registry[Check] = Registry(
    "check",
    {
        "unreadable": (
            "edgetl.doctor.files:unreadable",
            "files that training leaves out: no images, cut short, in no class",
        ),
        "damaged": ("edgetl.doctor.files:damaged", "files that can be shown although a part of them is lost"),
        "leaks": ("edgetl.doctor.copies:leaks", "the same or nearly the same image in two splits: figures on the second are flattered"),
        "two_labels": ("edgetl.doctor.copies:two_labels", "the same or nearly the same image in two classes: one of them is wrong"),
        "duplicates": ("edgetl.doctor.copies:duplicates", "the same file again, in the same split and class"),
        "near_duplicates": ("edgetl.doctor.copies:near_duplicates", "nearly the same image again, in the same split and class"),
        "wrong_labels": ("edgetl.doctor.labels:wrong_labels", "images that look like another class: look at them, some are merely hard"),
        "classes": ("edgetl.doctor.classes:classes", "classes with few images, or with none to measure on, or far from balanced"),
        "constant": ("edgetl.doctor.shapes:constant", "images that show next to nothing"),
        "sizes": (
            "edgetl.doctor.shapes:sizes",
            "images far smaller or larger than the others, or so long that a square shows little",
        ),
        "colours": ("edgetl.doctor.shapes:colours", "images stored otherwise than the others: grey, with transparency, for print"),
        "rotated": (
            "edgetl.doctor.shapes:rotated",
            "images that EXIF turns upright: edgetl does it, another program may not",
        ),
    },
)
