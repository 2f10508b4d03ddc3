"""Find images that show nothing: the "image not found" of a photo host, a card with text, in a class of photographs."""

from collections.abc import Iterator

import numpy as np

from edgetl.diagnosis.base import DatasetFacts, Finding

# Bits a pixel of the colours: ten placeholders of all kinds have 0.3 to 2.4, 3660 of 3670 flowers more than 3, and a class about 9. The
# others are flowers before black or white, of which the network's features are as long as of any flower; a placeholder's have 0.35 to 0.72
# of the median, since there is no object. Both together name all ten and none of the 3670; without the features, 7 flowers too.
_FEW_BITS, _FEW_BITS_ALONE = 3.0, 2.6
_EMPTY = 0.8
_OWN_CLASS = 0.5  # of the median of the class: drawings and blank parts may be what the class is about


def placeholders(data: DatasetFacts) -> Iterator[Finding]:
    """Yield images of few colours, unlike their class, in which a network sees no object."""
    bits = np.array([image.colour_bits for image in data.images])
    found = bits < (_FEW_BITS_ALONE if data.features is None else _FEW_BITS)
    if data.features is not None and len(bits):
        lengths = np.linalg.norm(data.features, axis=1)
        found &= lengths < _EMPTY * np.median(lengths)
    for own, class_name in zip(data.shown.T, data.class_names, strict=True):
        usual = float(np.median(bits[own])) if own.any() else 0.0
        for row in np.flatnonzero(found & own & (bits < _OWN_CLASS * usual)):
            found[row] = False  # once, of several classes
            name, own_bits = data.names[row], bits[row]
            colours = f"nearly of one colour, unlike {class_name} ({own_bits:.1f} bits a pixel, usually {usual:.1f})"
            detail = f"{colours}: a placeholder, or a card with text?"
            yield Finding(name, detail, score=float(1 - own_bits / usual), consider=(name,))
