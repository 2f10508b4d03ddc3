"""Read what the markers of a JPEG file say (ITU T.81, annex B): whether its end is there, and whether all its scans are."""

import re
from collections.abc import Iterator

import simplejpeg

BEGIN, END = b"\xff\xd8\xff", b"\xff\xd9"  # SOI with the next marker's first byte, and EOI

_MARKER = re.compile(rb"\xff+([^\x00\x01\xff\xd0-\xd7])")  # not the escaped bytes and restarts inside of a scan
_SCAN = 0xDA
_HUFFMAN_FRAMES = (0xC0, 0xC1, 0xC2)  # of the others libjpeg does not notice that data are missing
_COEFFICIENTS = frozenset(range(64))
_LOSS = re.compile("Corrupt JPEG data|Premature end")  # other warnings are of colours and metadata


def lacks_end(data: bytes) -> bool:
    """Return whether a file is a JPEG without its end marker."""
    return data.startswith(BEGIN) and not data.endswith(END) and all(code != END[1] for code, _ in _segments(data))


def keeps_coefficients(data: bytes) -> bool:
    """Return whether a decoder has to keep all of the image in memory, however far it reduces it: a scan holds only a part of it."""
    components = 0
    for code, content in _segments(data):
        if code in _HUFFMAN_FRAMES:
            components = content[5]
            if code == 0xC2:
                return True
        elif code == _SCAN:
            return content[0] < components
    return False


def is_whole_but_for_its_end(data: bytes) -> bool:
    """Return whether a file that lacks its end marker lacks nothing else."""
    try:
        return _has_all_scans(data + END) and not lost(data + END)
    except (LookupError, ValueError):  # of a header that is cut, too
        return False


def lost(data: bytes) -> str:
    """Return what libjpeg found to be missing or damaged, which it merely warns of; empty: nothing."""
    colours = "CMYK" if next((content[5] for code, content in _segments(data) if code in _HUFFMAN_FRAMES), 0) == 4 else "GRAY"
    try:
        simplejpeg.decode_jpeg(data, colours, fastdct=True, min_height=1, min_width=1, min_factor=1, strict=True)
    except ValueError as error:
        return str(error) if _LOSS.search(str(error)) else ""
    return ""


def _has_all_scans(data: bytes) -> bool:
    """Return whether each component has all coefficients at full precision: libjpeg shows a coarse image where scans are missing."""
    missing: dict[int, set[int]] = {}
    for code, content in _segments(data):
        if code in _HUFFMAN_FRAMES:
            missing = {component: set(_COEFFICIENTS) for component in content[6::3]}
        elif code == _SCAN:
            count = content[0]
            first, last, approximation = content[1 + 2 * count : 4 + 2 * count]
            if not approximation & 15:
                for component in content[1 : 1 + 2 * count : 2]:
                    missing[component] -= set(range(first, last + 1))
    return bool(missing) and not any(missing.values())


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each marker's code and content, up to the end marker; of a scan the content is its header."""
    place = 2
    while found := _MARKER.search(data, place):
        code, place = found[1][0], found.end()
        length = int.from_bytes(data[place : place + 2], "big") if code != END[1] else 2
        yield code, data[place + 2 : place + length]
        if code == END[1]:
            return
        place += max(length, 2)
