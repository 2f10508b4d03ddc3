"""The record of a float model: which was kept and what chose it, and what it learned from beside the labels."""

from dataclasses import dataclass
from typing import Literal

from edgetl.documents import Count, Share
from edgetl.wording import measured_on


@dataclass(frozen=True)
class FloatChoice:
    """The float model that was kept, and what chose it.

    Args:
        kept: "fine-tuned", or "head": fine-tuning did worse on these images, and the network is as it was before.
        images: training images that chose, and that neither model had learned from.
        head_accuracy, head_loss: of the head on these images.
        accuracy, loss: of the fine-tuned network on them.
    """

    kept: Literal["fine-tuned", "head"]
    images: Count
    head_accuracy: Share
    head_loss: float
    accuracy: Share
    loss: float

    def __str__(self) -> str:
        as_right = f"as often right, but with a loss of {self.loss:.3f} against {self.head_loss:.3f}"
        worse = as_right if self.accuracy == self.head_accuracy else f"it did worse: {100 * self.accuracy:.1f} %"
        said = {
            "fine-tuned": f"fine-tuned, {100 * self.accuracy:.1f} % right (its head alone: {100 * self.head_accuracy:.1f} %)",
            "head": f"the head alone, {100 * self.head_accuracy:.1f} % right (fine-tuned {worse})",
        }
        return f"{said[self.kept]} of {measured_on(self.images, 'held-out image')}"


@dataclass(frozen=True)
class Teacher:
    """The network whose predictions were learned from beside the labels: the name of its run, and how long its training took."""

    run: str
    backbone: str
    alpha: float
    image_size: Count
    seconds: float

    def __str__(self) -> str:
        return f"{self.backbone} {self.alpha:g} at {self.image_size} px, trained in {self.seconds:.0f} s"
