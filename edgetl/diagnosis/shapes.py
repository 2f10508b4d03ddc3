"""Find images that differ from the others in form: often another camera, a drawing, an icon or a screenshot among photos."""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from edgetl.diagnosis.base import DatasetFacts, Finding

_LEAST_CONTRAST = 4.0  # levels of 255: below it only noise is left
_FAR = 4.0  # times smaller or larger than the median
_LONG = 2.5  # the central square shows two fifths of such an image
_RARE = 0.1  # share of the images; what is more frequent is not odd
_MODES = {"L": "grey", "LA": "grey with transparency", "P": "a palette", "1": "black and white", "RGBA": "with transparency"}
_MODES |= {"CMYK": "CMYK, for print", "I": "grey of 16 bits", "I;16": "grey of 16 bits", "I;16B": "grey of 16 bits", "RGB": "colour"}


def constant(data: DatasetFacts) -> Iterator[Finding]:
    """Yield images that are almost uniform."""
    for name, image in zip(data.names, data.images, strict=True):
        if image.contrast < _LEAST_CONTRAST:
            yield Finding(name, f"almost uniform: contrast {image.contrast:.1f} of 255", score=1 - image.contrast / 255, consider=(name,))


def sizes(data: DatasetFacts) -> Iterator[Finding]:
    """Yield images far smaller or larger than the median, and very long ones."""
    if not data.images:
        return
    shorter = np.array([min(image.size) for image in data.images])
    median = float(np.median(shorter))
    for name, image, side in zip(data.names, data.images, shorter, strict=True):
        width, height = image.size
        far, ratio = max(side / median, median / side), max(image.size) / side
        if far >= _FAR:
            word = "small" if side < median else "large"
            yield Finding(
                name, f"{width} x {height} pixels, which is {word}: the median of the shorter sides is {median:.0f}", score=1 - 1 / far
            )
        if ratio >= _LONG:
            yield Finding(name, f"{width} x {height} pixels: the central square shows only {100 / ratio:.0f} % of it", score=1 - 1 / ratio)


def colours(data: DatasetFacts) -> Iterator[Finding]:
    """Yield images in a rare colour mode."""
    modes = Counter(image.mode for image in data.images)
    for name, image in zip(data.names, data.images, strict=True):
        if modes[image.mode] < _RARE * len(data.images):
            usual = modes.most_common(1)[0][0]
            yield Finding(name, f"stored as {_MODES.get(image.mode, image.mode)}, most images as {_MODES.get(usual, usual)}", score=0.5)


def rotated(data: DatasetFacts) -> Iterator[Finding]:
    """Yield images that EXIF rotates upright."""
    for name, image in zip(data.names, data.images, strict=True):
        if image.orientation != 1:
            yield Finding(name, f"rotated by EXIF orientation {image.orientation}", score=0.2)
