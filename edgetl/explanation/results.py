"""The document of an explanation: where the float and the int8 model look on images."""

from typing import ClassVar

from edgetl.documents import Document, Part, RelativePath
from edgetl.explanation.gradcam import SaliencyFigures
from edgetl.overview import Overview

NAME = "explain.json"


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
