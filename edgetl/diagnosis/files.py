"""Find files that hold no image, or not all of one."""

from collections.abc import Iterator

from edgetl.diagnosis.base import DatasetFacts, Finding


def unreadable(data: DatasetFacts) -> Iterator[Finding]:
    """Yield files that training leaves out."""
    for rejected in data.rejected:
        yield Finding(rejected.name, rejected.reason, exclude=(rejected.name,) if rejected.bad else ())


def damaged(data: DatasetFacts) -> Iterator[Finding]:
    """Yield files that can be decoded although a part of them is lost."""
    for name, image in zip(data.names, data.images, strict=True):
        if "extraneous bytes" in image.damage:  # some cameras pad their sound images so
            yield Finding(name, image.damage, score=0.5, consider=(name,))
        elif image.damage:
            yield Finding(name, image.damage, exclude=(name,))
