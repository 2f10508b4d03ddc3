"""Images that differ from the others in form: often another camera, a drawing, an icon or a screenshot among photos."""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from edgetl.diagnosis.base import Finding, Seen

_LEAST_CONTRAST = 4.0  # levels of 255: below it only noise is left
_FAR = 4.0  # times smaller or larger than the median
_LONG = 2.5  # the central square shows two fifths of such an image
_RARE = 0.1  # share of the images; what is more frequent is no oddity
_MODES = {"L": "grey", "LA": "grey with transparency", "P": "a palette", "1": "black and white", "RGBA": "with transparency"}
_MODES |= {"CMYK": "CMYK, for print", "I": "grey of 16 bits", "I;16": "grey of 16 bits", "RGB": "colour"}


def constant(seen: Seen) -> Iterator[Finding]:
    for name, look in zip(seen.names, seen.looks, strict=True):
        if look.contrast < _LEAST_CONTRAST:
            yield Finding(name, f"contrast {look.contrast:.1f} of 255", score=1 - look.contrast / 255, consider=(name,))


def sizes(seen: Seen) -> Iterator[Finding]:
    if not seen.looks:
        return
    shorter = np.array([min(look.size) for look in seen.looks])
    median = float(np.median(shorter))
    for name, look, side in zip(seen.names, seen.looks, shorter, strict=True):
        width, height = look.size
        far, ratio = max(side / median, median / side), max(look.size) / side
        if far >= _FAR:
            word = "small" if side < median else "large"
            yield Finding(name, f"{width} x {height} pixels is {word}: the median shorter side is {median:.0f}", score=1 - 1 / far)
        if ratio >= _LONG:
            yield Finding(name, f"{width} x {height} pixels: the central square shows {100 / ratio:.0f} % of it", score=1 - 1 / ratio)


def colours(seen: Seen) -> Iterator[Finding]:
    modes = Counter(look.mode for look in seen.looks)
    for name, look in zip(seen.names, seen.looks, strict=True):
        if modes[look.mode] < _RARE * len(seen.looks):
            usual = modes.most_common(1)[0][0]
            yield Finding(name, f"stored as {_MODES.get(look.mode, look.mode)}, most are {_MODES.get(usual, usual)}", score=0.5)


def rotated(seen: Seen) -> Iterator[Finding]:
    for name, look in zip(seen.names, seen.looks, strict=True):
        if look.orientation != 1:
            yield Finding(name, f"EXIF orientation {look.orientation}", score=0.2)
