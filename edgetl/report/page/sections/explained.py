"""Explanations: where the models look."""

import io
from itertools import pairwise
from pathlib import Path

from PIL import Image

from edgetl.report.page.blocks import Absent, Gallery, Photo, Section, Text
from edgetl.report.page.facts import Facts

_TITLE = "Saliency maps (Grad-CAM)"
_SHOWN = 12
_PANELS = 4  # side by side in a drawing, equally wide
_QUALITY = 85  # JPEG's: 90 KB each, where the PNG has 500


def section(facts: Facts) -> Section | Absent:
    """Show the drawings of `edgetl explain`."""
    images = facts.explained.images if facts.explained else ()
    found = [one for one in images if (facts.explained_folder / one.file).is_file()]
    if not found:
        return Absent(_TITLE, "no image was explained", "edgetl explain RUN IMAGE...")
    several = any(one.float_model.present is not None for one in found)
    of = "each class that the float model finds" if several else "the class that is most probable to the float model"
    text = (
        f"Grad-CAM saliency maps for {of}: bright regions support it. As a check, the most salient "
        "region (framed) is hidden: the probability of the class should fall further than when other regions of that size are hidden, "
        "unless these show as much of the object."
    )
    photos = []
    for one in found[-_SHOWN:]:
        drawing, *parts = _lighter(facts.explained_folder / one.file)
        photos.append(Photo(drawing, "jpeg", one.alt, one.image, one.lines, parts=parts))
    return Section(_TITLE, (Text(text), Gallery(photos, large=True)))


def _lighter(path: Path) -> list[bytes]:
    """Return a drawing, and each of its panels, as JPEG."""
    with Image.open(path) as image:
        drawing = image.convert("RGB")
    edges = [round(drawing.width * place / _PANELS) for place in range(_PANELS + 1)]
    panels = [drawing.crop((left, 0, right, drawing.height)) for left, right in pairwise(edges)]
    return [_jpeg(one) for one in (drawing, *panels)]


def _jpeg(image: Image.Image) -> bytes:
    drawn = io.BytesIO()
    image.save(drawn, "JPEG", quality=_QUALITY)
    return drawn.getvalue()
