"""Explanations for the terminal."""

from edgetl import console
from edgetl.explanation.results import Explanation

_COLUMNS = ("image", "model", "probability %", "drop", "drop elsewhere", "beats %", "map change")


def show(explanation: Explanation) -> None:
    """Print two rows per image."""
    rows, several = [], any(one.float_model.present is not None for one in explanation.images)
    for one in explanation.images:
        for name, figures, change in (("float", one.float_model, ""), ("quantized", one.int8_model, f"{one.largest_map_change:.2f}")):
            drops = [f"{100 * share:z.1f}" for share in (figures.probability, figures.drop, figures.drop_elsewhere)]
            rows.append([one.image, *([one.asked] if several else []), name, *drops, f"{100 * figures.beaten:.0f}", change])
    of = "the class" if several else "the class that the float model predicts"
    console.note(f"probability: of {of}; drop: points lost when the most salient region is hidden;")
    console.note("drop elsewhere: the mean over other regions; beats: share of them with a smaller drop; map change: the largest, of 1")
    console.table("explanations", [*_COLUMNS[:1], *(["class"] if several else []), *_COLUMNS[1:]], rows)
