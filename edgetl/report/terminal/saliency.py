"""Explanations for the terminal."""

from edgetl import console
from edgetl.explanation.results import Explanation

_COLUMNS = ("image", "class", "model", "probability %", "drop", "drop elsewhere", "beats %", "map change")


def show(explanation: Explanation) -> None:
    """Print two rows per image and class."""
    rows, unknown = [], False
    for one in explanation.images:
        for name, figures, change in (("float", one.float_model, ""), ("quantized", one.int8_model, f"{one.largest_map_change:.2f}")):
            drops = [f"{100 * share:z.1f}" for share in (figures.probability, figures.drop, figures.drop_elsewhere)]
            rows.append([one.image, one.explained(figures), name, *drops, f"{100 * figures.beaten:.0f}", change])
            unknown |= figures.unknown
    console.note("probability: of the class; drop: points lost when the most salient region is hidden;")
    console.note("drop elsewhere: the mean over other regions; beats: share of them with a smaller drop; map change: the largest, of 1")
    if unknown:
        console.note("unknown: the model rejects the image; explained is the class that the float model finds most probable")
    console.table("explanations", _COLUMNS, rows)
