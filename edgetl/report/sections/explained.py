"""Where the models look."""

from edgetl.report.blocks import Absent, Picture, Pictures, Section, Text
from edgetl.report.facts import Facts

_TITLE = "Where the models look"
_SHOWN = 12  # pictures of about 150 KB


def section(facts: Facts) -> Section | Absent:
    found = [one for one in (facts.explained or {}).get("pictures", []) if (facts.explained_folder / one["file"]).is_file()]
    if not found:
        return Absent(_TITLE, "no picture was explained", "edgetl explain RUN PICTURE...")
    text = (
        "Grad-CAM of the class that the float model names: what speaks for it is bright. As a check, the place where a model looks most is "
        "hidden: its probability has to fall further than when other places are."
    )
    pictures = [
        Picture((facts.explained_folder / one["file"]).read_bytes(), "png", one["alt"], one["picture"].rpartition("/")[2], one["lines"])
        for one in found[-_SHOWN:]
    ]
    return Section(_TITLE, (Text(text), Pictures(pictures, large=True)))
