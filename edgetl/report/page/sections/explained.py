"""Where the models look."""

import io
from pathlib import Path

from PIL import Image

from edgetl.report.page.blocks import Absent, Gallery, Photo, Section, Text
from edgetl.report.page.facts import Facts

_TITLE = "Where the models look"
_SHOWN = 12
_QUALITY = 85  # JPEG's: 90 KB each, where the PNG has 500


def section(facts: Facts) -> Section | Absent:
    found = [one for one in (facts.explained or {}).get("images", []) if (facts.explained_folder / one["file"]).is_file()]
    if not found:
        return Absent(_TITLE, "no image was explained", "edgetl explain RUN IMAGE...")
    text = (
        "Grad-CAM of the class that the float model names: what speaks for it is bright. As a check, the place where a model looks most is "
        "hidden (the frame): its probability should fall further than when other places are, unless there is as much to see there."
    )
    images = [
        Photo(_lighter(facts.explained_folder / one["file"]), "jpeg", one["alt"], one["image"].rpartition("/")[2], one["lines"])
        for one in found[-_SHOWN:]
    ]
    return Section(_TITLE, (Text(text), Gallery(images, large=True)))


def _lighter(path: Path) -> bytes:
    drawn = io.BytesIO()
    with Image.open(path) as image:
        image.convert("RGB").save(drawn, "JPEG", quality=_QUALITY)
    return drawn.getvalue()
