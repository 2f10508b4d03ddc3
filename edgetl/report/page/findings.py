"""The findings of `edgetl doctor` as a page with the images."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from edgetl.data import exclude as exclude_list
from edgetl.data.base import Item
from edgetl.data.decode import BadImage, open_image
from edgetl.diagnosis import CHECKS, mislabelled
from edgetl.diagnosis.base import Finding
from edgetl.diagnosis.results import Diagnosis
from edgetl.report.page import html
from edgetl.report.page.blocks import Block, Gallery, Photo, Section, Table, Text, Tick, TickedList, Tile, Tiles
from edgetl.report.plots import draw
from edgetl.report.plots.thumbnail import edge_px
from edgetl.wording import counted

_SHOWN = 48  # images of a check
_LISTED = 1000  # rows of a check; doctor.json has all
_SMALLEST_PX, _LARGEST_PX = 160, 480  # of an image: the page shows it small, and large to who asks for it
_GAP_PX = 6  # between the two images of a pair
_QUALITY = 75  # JPEG's


def page(diagnosis: Diagnosis, items: Mapping[str, Item]) -> str:
    """Return one web page that needs nothing else.

    Args:
        items: name -> image, for those that can be shown.
    """
    shown = sum(1 + bool(one.others) for findings in diagnosis.found.values() for one in findings[:_SHOWN])
    drawn = _Drawn(items, max(edge_px(shown, _LARGEST_PX), _SMALLEST_PX), frozenset(diagnosis.exclude))
    sections = [(check, _section(check, findings, drawn)) for check, findings in diagnosis.found.items()]
    sections.insert(0, ("summary", _summary(diagnosis, _ticked(diagnosis, [section for _, section in sections]))))
    with draw.style():
        return html.page(f"Data quality of {diagnosis.source}", diagnosis.made[:16].replace("T", " ") + " UTC", sections, ())


@dataclass(frozen=True)
class _Drawn:
    """Images by name, the longer edge that they are drawn with in pixels, and those that should be left out."""

    items: Mapping[str, Item]
    edge: int
    exclude: frozenset[str]


def _ticked(diagnosis: Diagnosis, sections: Sequence[Section]) -> TickedList:
    """Return the list of images to leave out: those that are ticked, and those for which the page has no box."""
    galleries = [block for section in sections for block in section.blocks if isinstance(block, Gallery)]
    boxes = {tick.line for gallery in galleries for photo in gallery.photos for tick in photo.ticks}
    rest = [line for name in diagnosis.exclude if (line := exclude_list.line(name)) not in boxes]
    return TickedList("exclude.txt", (exclude_list.heading(diagnosis.source),), rest)


def _summary(diagnosis: Diagnosis, ticked: TickedList) -> Section:
    by_split = {split: counts for split, counts in diagnosis.counts.items() if any(counts.values())}
    class_names = list(dict.fromkeys(name for counts in by_split.values() for name in counts))
    tiles = [Tile(f"{diagnosis.images:,}", "images", counted(len(class_names), "class"))]
    tiles += [Tile(f"{len(findings):,}", check.replace("_", " ")) for check, findings in diagnosis.found.items()]
    splits = list(by_split)
    rows = [[name, *(f"{counts.get(name, 0):,}" for counts in by_split.values())] for name in class_names]
    text = "Nothing was found."
    if diagnosis.found:
        text = (
            f"{diagnosis.advice}. {diagnosis.exclude_file} lists them; those that only could be left out stand behind a #. "
            "Nothing was changed."
        )
    blocks: list[Block] = [Tiles(tiles), Text(text), *([ticked] if diagnosis.found else []), *map(Text, diagnosis.notes)]
    headline = "Summary"
    if diagnosis.found:
        count = mislabelled(diagnosis.found)
        headline = f"{counted(count, 'label')} to check" if count else "No label to check"
    return Section(headline, (*blocks, Table(["class", *splits], rows, "usable images", folded=len(rows) > 12)))


def _section(name: str, findings: Sequence[Finding], drawn: _Drawn) -> Section:
    shown = [image for image in (_image(one, drawn) for one in findings[:_SHOWN]) if image]
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


def _image(finding: Finding, drawn: _Drawn) -> Photo | None:
    """Return the image, and below it the other one of a pair; None where there is nothing to see."""
    names = (finding.name, *finding.others[:1])
    images = [image for name in names if name in drawn.items and (image := _sized(drawn.items[name], drawn.edge))]
    if not images:
        return None
    ticks = [Tick(name, exclude_list.line(name), name in drawn.exclude) for name in (*finding.exclude, *finding.consider)]
    return Photo(_stacked(images), "jpeg", " and ".join(names), finding.name, [finding.detail, *finding.others[:1]], ticks=ticks)


def _sized(item: Item, edge: int) -> Image.Image | None:
    try:
        image = open_image(item.read(), edge)
    except (OSError, BadImage):
        return None
    scale = edge / max(image.size)
    way = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS  # tiny images are to look tiny
    return image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))), way)


def _stacked(images: Sequence[Image.Image]) -> bytes:
    width = max(image.width for image in images)
    sheet = Image.new("RGB", (width, sum(image.height for image in images) + _GAP_PX * (len(images) - 1)), "white")
    top = 0
    for image in images:
        sheet.paste(image, ((width - image.width) // 2, top))
        top += image.height + _GAP_PX
    made = io.BytesIO()
    sheet.save(made, "JPEG", quality=_QUALITY)
    return made.getvalue()
