"""The document of a sensitivity analysis: what quantization does to each operator, alone and in the complete int8 file."""

from typing import Annotated, ClassVar

from pydantic import Field

from edgetl.documents import Count, Document, Part, Share
from edgetl.overview import Overview
from edgetl.wording import counted


class Damage(Part):
    """The damage that quantizing one operator (a kernel, its bias and the activation behind them) does by itself.

    Args:
        operator: the layer that ends it, whose output is what the next operator reads.
        signal_to_noise_db: of its output, 10 log10 of the mean square over the mean squared error; None when nothing changes.
        logits_change: root of the mean squared change of the logits over that of the logits themselves.
        top1_flips: share of the images that get another top-1.
    """

    operator: str
    signal_to_noise_db: float | None
    logits_change: float
    top1_flips: Share


class Drift(Part):
    """How far the int8 file is from the float model behind one operator, with all that the operators before it did.

    Args:
        operator: the Keras layer that ends it.
        signal_to_noise_db: of its output, 10 log10 of the mean square over the mean squared error; None when there is no error.
        step: value of one quantization step, in the file's units: a hard-sigmoid, and a product with it, is held 6 times as high there;
            0 where the operator stays in float.
        lost_db: how much lower that ratio is than the worst of what the operator reads. The largest is where a divergence starts.
    """

    operator: str
    signal_to_noise_db: float | None
    step: float
    lost_db: float


class Sensitivity(Document):
    """The operators that quantization hurts, measured on training images.

    Args:
        model: the network in words.
        scheme: that the int8 model was made by.
        images: number of training images that were looked at.
        operators: each one alone in int8, worst first.
        drift: the complete int8 file, in the network's order.
    """

    REMEDY: ClassVar[str] = "make it again: edgetl sensitivity RUN"

    model: str
    scheme: str
    images: Count
    operators: Annotated[tuple[Damage, ...], Field(min_length=1)]
    drift: Annotated[tuple[Drift, ...], Field(min_length=1)]

    @property
    def first_loss(self) -> tuple[int, Drift]:
        """The operator where most is lost in the complete file, and its number in the network, starting at 1."""
        number = max(range(len(self.drift)), key=lambda place: self.drift[place].lost_db)
        return number + 1, self.drift[number]

    def overview(self) -> Overview:
        """Return the operators, worst first."""
        rows = [
            (one.operator, decibel_text(one), f"{100 * one.logits_change:.2f}", f"{100 * one.top1_flips:.2f}") for one in self.operators
        ]
        number, first = self.first_loss
        loss = f"in the complete file most is lost at {first.operator} (#{number}): {first.lost_db:.1f} dB"
        title = f"{self.model}, {self.scheme}, {counted(self.images, 'training image')}; each operator alone in int8"
        return Overview(title, ("operator", "SNR dB", "logits %", "flips %"), rows, (loss,))


def decibel_text(one: Damage | Drift) -> str:
    """Return a signal-to-noise ratio as text."""
    return "exact" if one.signal_to_noise_db is None else f"{one.signal_to_noise_db:z.1f}"
