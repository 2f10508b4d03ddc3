"""What `edgetl doctor` found: a page with the images, and a table for the terminal."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from edgetl import console
from edgetl.data.base import Item
from edgetl.data.decode import BadImage, whole
from edgetl.diagnosis import CHECKS
from edgetl.diagnosis.base import Finding
from edgetl.report.page import html
from edgetl.report.page.blocks import Block, Gallery, Photo, Section, Table, Text, Tile, Tiles
from edgetl.report.plots import draw

_SHOWN = 48  # images of a check: 5 KB each
_LISTED = 1000  # rows of a check; doctor.json has all
_EDGE_PX = 160  # of a thumbnail
_GAP_PX = 6  # between the two images of a pair
_QUALITY = 75  # JPEG's

Document = Mapping[str, Any]
Findings = Mapping[str, Sequence[Finding]]


def tell(document: Document) -> None:
    """A row a check."""
    rows = []
    for name, findings in document["findings"].items():
        first = next((f"{one.get('image', one.get('class'))}: {one['detail']}" for one in findings), "")
        rows.append([name, len(findings), first])
    console.table(f"doctor: {document['images']} images", ["check", "findings", "the first"], rows)
    for note in document["notes"]:
        console.note(note)


def page(document: Document, found: Findings, items: Mapping[str, Item]) -> str:
    """One web page that needs nothing else.

    Args:
        items: name to image, for those that can be shown.
    """
    sections = [("summary", _summary(document))]
    for name, findings in found.items():
        if findings:
            sections.append((name, _section(name, findings, items)))
    with draw.style():
        return html.page(f"The images of {document['source']}", document["made"][:16].replace("T", " ") + " UTC", sections, ())


def _summary(document: Document) -> Section:
    found = {name: count for name, count in document["summary"].items() if count}
    tiles = [Tile(f"{document['images']:,}", "images", f"{len(document['counts']['train'])} classes")]
    tiles += [Tile(f"{count:,}", name.replace("_", " ")) for name, count in found.items()]
    splits = [split for split, counts in document["counts"].items() if any(counts.values())]
    rows = [[name, *(f"{document['counts'][split][name]:,}" for split in splits)] for name in document["counts"]["train"]]
    text = (
        f"{len(document['exclude'])} images are better left out, and {len(document['consider'])} more may be: exclude.txt has all, "
        "the latter behind a #. Nothing was changed."
        if found
        else "Nothing was found."
    )
    blocks: list[Block] = [Tiles(tiles), Text(text), *map(Text, document["notes"])]
    return Section("Summary", (*blocks, Table(["class", *splits], rows, "images that can be used", folded=len(rows) > 12)))


def _section(name: str, findings: Sequence[Finding], items: Mapping[str, Item]) -> Section:
    shown = [image for image in (_image(one, items) for one in findings[:_SHOWN]) if image]
    with_others, with_scores = any(one.others for one in findings), len({one.score for one in findings}) > 1
    columns = [findings[0].kind, "what", *(["beside"] if with_others else []), *(["score"] if with_scores else [])]
    rows = [
        [one.what, one.detail, *([", ".join(one.others)] if with_others else []), *([f"{one.score:.2f}"] if with_scores else [])]
        for one in findings[:_LISTED]
    ]
    caption = f"all {len(findings)}" if len(findings) <= _LISTED else f"the first {_LISTED} of {len(findings)}; doctor.json has all"
    text = f"{len(findings)}: {CHECKS.summary(name)}." + (f" These are the first {len(shown)}." if len(findings) > len(shown) > 0 else "")
    blocks: list[Block] = [Text(text), *([Gallery(shown)] if shown else []), Table(columns, rows, caption, folded=bool(shown))]
    return Section(name.replace("_", " ").capitalize(), blocks)


def _image(finding: Finding, items: Mapping[str, Item]) -> Photo | None:
    """The image, and below it the other one of a pair; None where there is nothing to see."""
    names = (finding.what, *finding.others[:1])
    drawn = [thumbnail for name in names if name in items and (thumbnail := _thumbnail(items[name]))]
    if not drawn:
        return None
    lines = [finding.detail, *finding.others[:1]]
    return Photo(_stacked(drawn), "jpeg", " and ".join(names), finding.what, lines)


def _thumbnail(item: Item) -> Image.Image | None:
    try:
        image = whole(item.read(), _EDGE_PX)
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
