"""Numbers, names and lists as sentences hold them: a count with its noun, a figure beside its limit, a name from elsewhere."""

import re
from collections.abc import Mapping, Sequence

_FEW = 1000  # images: an accuracy printed in hundredths of a point seems to know more than they do
_MOST_DIGITS = 17  # of a double
# What moves the cursor, colours the terminal, reverses the line, or cannot be encoded: names of files and classes come from others.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def counted(count: int, what: str) -> str:
    """Return a count with its noun: "1 image", "2 images", "1,200 classes"; `what` is the singular, such as "training image"."""
    return f"{count:,} {what if count == 1 else plural(what)}"


def plural(what: str) -> str:
    """Return the plural of a regular noun, the first where "of" follows one."""
    if " of " in what:
        return " of ".join((plural(what.partition(" of ")[0]), what.partition(" of ")[2]))
    if re.search(r"[^aeiou]y$", what):
        return f"{what[:-1]}ies"
    return f"{what}es" if re.search(r"(s|x|tch|sh)$", what) else f"{what}s"


def joined(names: Sequence[str]) -> str:
    """Return names as a sentence lists them: "a, b and c"."""
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def quoted(names: Sequence[str]) -> list[str]:
    """Return names for a list with commas between them: all in quotation marks where one holds a comma itself."""
    return [f"'{name}'" for name in names] if any("," in name for name in names) else list(names)


def batches(sizes: Mapping[str, int | str]) -> list[str]:
    """Return "a batch of 4 for NAME and NAME" for each size, of the models that take several images at a time and no fewer."""
    larger = {name: size for name, size in sizes.items() if isinstance(size, int) and size > 1}
    return [f"a batch of {size} for {joined([name for name in larger if larger[name] == size])}" for size in dict.fromkeys(larger.values())]


def measured_on(count: int, what: str) -> str:
    """Return a count of images with its noun and, where they are few, what one is worth: "54 images, of which one is 1.9 points"."""
    return counted(count, what) + (f", of which one is {100 / count:.{1 if count <= 100 else 2}f} points" if 1 < count < _FEW else "")


def counted_for(count: int, what: str, metric: str) -> str:
    """Return a count of images that a metric is of, with what one of them is worth in top-1, where they are few."""
    return measured_on(count, what) if metric == "top-1" else counted(count, what)


def duration(seconds: float) -> str:
    """Return an estimated time as one says it, no finer than it is known: "20 s", "4 min", "1.5 h"."""
    if seconds < 90:
        return f"{max(10 * round(seconds / 10), 10)} s"
    return f"{round(seconds / 60)} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def beside(value: float, limit: float, digits: int = 2) -> str:
    """Return the value in as many digits, at least `digits`, as it takes to see on which side of the limit it is."""
    texts = (f"{value:.{count}g}" for count in range(digits, _MOST_DIGITS))
    return next((text for text in texts if _side(float(text), limit) == _side(value, limit)), repr(value))


def ends(value: str, interval: tuple[float, float], digits: int = 1) -> tuple[str, str]:
    """Return an interval's ends, shares, in percent with that many decimals, or as many more as it takes to hold the value as printed."""
    low, high = (100 * end for end in interval)
    texts = ((f"{low:.{count}f}", f"{high:.{count}f}") for count in range(digits, _MOST_DIGITS))
    return next((found for found in texts if float(found[0]) <= float(value) <= float(found[1])), (str(low), str(high)))


def _side(value: float, limit: float) -> int:
    return (value > limit) - (value < limit)


def setting(value: object) -> str:
    """Return a setting's value as recipes write it, without quotation marks; none where it is empty."""
    if isinstance(value, bool):
        return str(value).lower()
    text = ", ".join(map(setting, value)) if isinstance(value, list) else str(value)
    return text or "none"


def seen(text: str, spared: str = "") -> str:
    """Return the text with control characters and the like escaped as JSON escapes them, but for those that are spared."""
    return _UNSEEN.sub(lambda found: found[0] if found[0] in spared else f"\\u{ord(found[0]):04x}", text)
