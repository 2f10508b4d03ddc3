"""The findings of `edgetl doctor` as a page with the images."""

import io
from collections.abc import Mapping, Sequence

from PIL import Image

from edgetl.data.base import Item
from edgetl.data.decode import BadImage, open_image
from edgetl.diagnosis import CHECKS
from edgetl.diagnosis.base import Finding
from edgetl.diagnosis.results import Diagnosis
from edgetl.report.page import html
from edgetl.report.page.blocks import Block, Gallery, Photo, Section, Table, Text, Tile, Tiles
from edgetl.report.plots import draw
from edgetl.wording import counted

_SHOWN = 48  # images of a check: 5 KB each
_LISTED = 1000  # rows of a check; doctor.json has all
_EDGE_PX = 160  # of a thumbnail
_GAP_PX = 6  # between the two images of a pair
_QUALITY = 75  # JPEG's


def page(diagnosis: Diagnosis, items: Mapping[str, Item]) -> str:
    """Return one web page that needs nothing else.

    Args:
        items: name -> image, for those that can be shown.
    """
    sections = [("summary", _summary(diagnosis))]
    sections += [(check, _section(check, findings, items)) for check, findings in diagnosis.found.items()]
    with draw.style():
        return html.page(f"Data quality of {diagnosis.source}", diagnosis.made[:16].replace("T", " ") + " UTC", sections, ())


def _summary(diagnosis: Diagnosis) -> Section:
    by_split = {split: counts for split, counts in diagnosis.counts.items() if any(counts.values())}
    class_names = list(dict.fromkeys(name for counts in by_split.values() for name in counts))
    tiles = [Tile(f"{diagnosis.images:,}", "images", counted(len(class_names), "class"))]
    tiles += [Tile(f"{len(findings):,}", check.replace("_", " ")) for check, findings in diagnosis.found.items()]
    splits = list(by_split)
    rows = [[name, *(f"{counts.get(name, 0):,}" for counts in by_split.values())] for name in class_names]
    text = "Nothing was found."
    if diagnosis.found:
        text = (
            f"{counted(len(diagnosis.exclude), 'image')} should be left out, and {len(diagnosis.consider):,} more could be: "
            f"{diagnosis.exclude_file} lists all, the latter behind a #. Nothing was changed."
        )
    blocks: list[Block] = [Tiles(tiles), Text(text), *map(Text, diagnosis.notes)]
    return Section("Summary", (*blocks, Table(["class", *splits], rows, "usable images", folded=len(rows) > 12)))


def _section(name: str, findings: Sequence[Finding], items: Mapping[str, Item]) -> Section:
    shown = [image for image in (_image(one, items) for one in findings[:_SHOWN]) if image]
    columns, rows = findings_table(findings[:_LISTED])
    caption = f"all {len(findings)}" if len(findings) <= _LISTED else f"the first {_LISTED} of {len(findings)}; doctor.json has all"
    text = f"{len(findings)}: {CHECKS.summary(name)}." + (f" These are the first {len(shown)}." if len(findings) > len(shown) > 0 else "")
    blocks: list[Block] = [Text(text), *([Gallery(shown)] if shown else []), Table(columns, rows, caption, folded=bool(shown))]
    return Section(name.replace("_", " ").capitalize(), blocks)


def findings_table(findings: Sequence[Finding]) -> tuple[list[str], list[list[str]]]:
    """Return the columns and rows of the findings of a check; without columns that would say nothing."""
    columns = [findings[0].kind, "finding"]
    rows = [[one.name, one.detail] for one in findings]
    if any(one.others for one in findings):
        columns.append("copy of")
        rows = [[*row, ", ".join(one.others)] for row, one in zip(rows, findings, strict=True)]
    if len({one.score for one in findings}) > 1:
        columns.append("score")
        rows = [[*row, f"{one.score:.2f}"] for row, one in zip(rows, findings, strict=True)]
    return columns, rows


def _image(finding: Finding, items: Mapping[str, Item]) -> Photo | None:
    """Return the image, and below it the other one of a pair; None where there is nothing to see."""
    names = (finding.name, *finding.others[:1])
    drawn = [thumbnail for name in names if name in items and (thumbnail := _thumbnail(items[name]))]
    if not drawn:
        return None
    lines = [finding.detail, *finding.others[:1]]
    return Photo(_stacked(drawn), "jpeg", " and ".join(names), finding.name, lines)


def _thumbnail(item: Item) -> Image.Image | None:
    try:
        image = open_image(item.read(), _EDGE_PX)
    except (OSError, BadImage):
        return None
    scale = _EDGE_PX / max(image.size)
    way = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS  # tiny images are to look tiny
    return image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))), way)


def _stacked(drawn: Sequence[Image.Image]) -> bytes:
    height = sum(image.height for image in drawn) + _GAP_PX * (len(drawn) - 1)
    sheet = Image.new("RGB", (_EDGE_PX, height), "white")
    top = 0
    for image in drawn:
        sheet.paste(image, ((_EDGE_PX - image.width) // 2, top))
        top += image.height + _GAP_PX
    made = io.BytesIO()
    sheet.save(made, "JPEG", quality=_QUALITY)
    return made.getvalue()
