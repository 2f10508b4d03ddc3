"""A report as Markdown, with its images in a folder beside it."""

from collections.abc import Callable, Sequence

from edgetl.report.page.blocks import Absent, Block, Gallery, Plot, Section, Table, Text, Tiles
from edgetl.report.page.tables import markdown_table, plain
from edgetl.report.plots import draw

Save = Callable[[str, bytes], str]  # saves (file name, content) and returns the address for the text


def text(title: str, made: str, sections: Sequence[tuple[str, Section]], absent: Sequence[Absent], save: Save) -> str:
    """Return the text; its images are given to `save`."""
    lines = [f"# {plain(title)}", "", f"edgetl report, {made}", ""]
    for name, section in sections:
        lines += [f"## {plain(section.title)}", ""]
        for number, block in enumerate(section.blocks, 1):
            lines += [*_block(block, f"{name}-{number}", save), ""]
    if absent:
        lines += ["## Not in this report", ""]
        lines += [f"- {plain(one.title)}: {plain(one.reason)}{f': `{one.command}`' if one.command else ''}" for one in absent]
    return "\n".join(lines).rstrip() + "\n"


def _block(block: Block, name: str, save: Save) -> list[str]:
    if isinstance(block, Text):
        text = f"**{plain(block.text)}**" if block.warning else plain(block.text)
        return [f"{text} `{block.command}`" if block.command else text]
    if isinstance(block, Tiles):
        return markdown_table(("", "", ""), [[plain(tile.name), f"**{plain(tile.value)}**", plain(tile.note)] for tile in block.tiles])
    if isinstance(block, Table):
        rows = [[plain(cell) for cell in row] for row in block.rows]
        return [*([plain(block.caption), ""] if block.caption else []), *markdown_table([plain(column) for column in block.columns], rows)]
    if isinstance(block, Plot):
        address = save(f"{name}.png", draw.png(block.figure))
        return [f"![{plain(block.alt)}]({address})", *(["", plain(block.caption)] if block.caption else [])]
    return _images(block, name, save) if isinstance(block, Gallery) else []


def _images(block: Gallery, name: str, save: Save) -> list[str]:
    lines = []
    for number, photo in enumerate(block.photos, 1):
        address = save(f"{name}-{number}.{photo.kind.replace('jpeg', 'jpg')}", photo.content)
        lines += [f"![{plain(photo.alt)}]({address})", "", plain(": ".join([photo.title, "; ".join(photo.lines)])), ""]
    return lines
