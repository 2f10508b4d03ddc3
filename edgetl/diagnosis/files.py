"""Files that hold no image, or not all of one."""

from collections.abc import Iterator

from edgetl.diagnosis.base import Finding, Seen


def unreadable(seen: Seen) -> Iterator[Finding]:
    for rejected in seen.rejected:
        yield Finding(rejected.name, rejected.reason, exclude=(rejected.name,))


def damaged(seen: Seen) -> Iterator[Finding]:
    for name, look in zip(seen.names, seen.looks, strict=True):
        if "extraneous bytes" in look.damage:  # some cameras pad their sound images so
            yield Finding(name, look.damage, score=0.5, consider=(name,))
        elif look.damage:
            yield Finding(name, look.damage, exclude=(name,))
