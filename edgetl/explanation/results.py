"""The document of an explanation: where the float and the int8 model look on images."""

from dataclasses import dataclass
from typing import ClassVar

from edgetl.documents import Document, Part, RelativePath
from edgetl.overview import Overview

NAME = "explain.json"


@dataclass(frozen=True)
class SaliencyFigures:
    """The effect of hiding the most salient square on the probability of the class that was asked for.

    Args:
        top1, top1_probability: index and probability of the most probable class; of several classes, of the one that was asked for.
        present: whether the model finds that one of several classes; None: an image has one class.
        unknown: whether the model rejects the image, which then shows none of the classes.
        probability: of the class that was asked for.
        window: (top, left, edge) in pixels of the square that holds most of the map.
        drop: how much that probability falls when this square is hidden.
        drop_elsewhere: the mean fall over all other squares.
        beaten: share of the other squares that cost less.
    """

    top1: int
    top1_probability: float
    probability: float
    window: tuple[int, int, int]
    drop: float
    drop_elsewhere: float
    beaten: float
    present: bool | None = None
    unknown: bool = False


class ExplainedImage(Part):
    """One image.

    Args:
        image: its file's name, or that of an embedded image.
        file: the drawing, beside this document.
        asked: name of the class that was explained: the float model's most probable one, which is its prediction unless it rejects the
            image, or one of several that it finds.
        largest_map_change: the largest difference of the two saliency maps, in 0..1.
        alt: the drawing in words, for who cannot see it.
        lines: the same in sentences.
    """

    image: str
    file: RelativePath
    asked: str
    float_model: SaliencyFigures
    int8_model: SaliencyFigures
    largest_map_change: float
    alt: str
    lines: tuple[str, ...]

    def explained(self, figures: SaliencyFigures) -> str:
        """Return the class that was explained, and whether the model of these figures rejects the image."""
        return f"{self.asked} (unknown)" if figures.unknown else self.asked


class Explanation(Document):
    """Where two models look on several images.

    Args:
        models: identity of the two models: another training or another int8 model has another one.
        scheme: that the int8 model was made by.
        layer: whose output is looked at.
    """

    REMEDY: ClassVar[str] = "make it again: edgetl explain RUN IMAGE..."

    models: str
    scheme: str
    layer: str
    images: tuple[ExplainedImage, ...]

    def overview(self) -> Overview:
        """Return a row for each image."""
        rows = [(one.image, one.explained(one.float_model), f"{one.largest_map_change:.2f}", one.file) for one in self.images]
        return Overview("Where the float and the int8 model look", ("image", "class", "largest difference", "file"), rows)
