"""The contract between a model and whoever feeds it: THE definition of what happens between an image and the model's first layer,
and of what comes out.

Training, calibration, export, validation, prediction and every app read this one description, so that a model cannot be fed
otherwise in one place than in another. Shape letters used throughout edgetl: N batch, H height, W width, C channels, K classes.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from edgetl import contract_versions
from edgetl.contract_versions import Plain
from edgetl.documents import Document
from edgetl.errors import RunError
from edgetl.input import Batch, Channels, Input, Inside, Normalization
from edgetl.output import Output, OutputType, Rejection, Task, Thresholds, activation_of, output_type
from edgetl.overview import Overview
from edgetl.wording import quoted


@dataclass(frozen=True)
class Frame:
    """The size and channels of an input, and how it is cut from an image; a square is the central one with either crop."""

    height: int
    width: int
    channels: Channels = "RGB"
    crop: Literal["center", "none"] = "center"


class Contract(Document):
    """contract.json: how an image becomes the model's input, and what the outputs mean.

    The form has room for more than this version can do (see `_supported`); a file that asks for the rest is refused when it is read.
    """

    REMEDY: ClassVar[str] = "export the model again"

    schema_version: int = Field(default=2, description="version of this form; the first had the normalization in `input`, and no `feed`")
    input: Input
    output: Output
    inside_the_model: Inside = Field(description="for information alone, never to be applied to what is fed")

    @model_validator(mode="after")
    def _supported(self) -> Self:
        asked = {
            "the central square of images for an oblong input": self.input.crop == "center_square" and self.height != self.width,
            "an activation outside the model": not self.output.activation_inside_the_model,
        }
        for what, beyond in asked.items():
            if beyond:
                raise ValueError(f"it asks for {what}, which this version of edgetl does not support")
        return self

    @classmethod
    def square(cls, size: int, scale: float, zero_point: int, class_names: tuple[str, ...]) -> Self:
        """Return the contract of a classifier of square RGB images, `size` pixels high and wide; see `ending_in` and `for_task`."""
        return cls(
            input=Input(
                name="image",
                height=size,
                width=size,
                channels="RGB",
                dtype="uint8",
                batch=1,
                crop="center_square",
                resize="antialiased_bilinear",
            ),
            output=Output(
                name="probabilities",
                dtype=output_type("single-label", len(class_names)),
                class_names=class_names,
                task="single-label",
                activation="softmax",
                activation_inside_the_model=True,
                thresholds=None,
                rejection=None,
            ),
            inside_the_model=Inside(normalization=Normalization(scale=scale, zero_point=zero_point)),
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read contract.json. Raises RunError that names the first place that is wrong."""
        if not path.exists():
            raise RunError(f"there is no contract at {path}", "keep contract.json beside the model file")
        return super().read(path)

    @classmethod
    def upgraded(cls, values: Plain) -> Plain:
        """Return plain values of an older version as this one has them."""
        return contract_versions.upgraded(values)

    def of_the_images(self) -> Plain:
        """Return what the images of a run depend on, as plain values that are the same in all versions."""
        output = self.output.model_dump(mode="json", exclude={"dtype", "rejection", "thresholds"})  # no image changes with these
        return contract_versions.of_the_images(self.input, output, self.inside_the_model.normalization)

    def taking(self, frame: Frame) -> Self:
        """Return the same contract for inputs of this size and these channels, cut from images in this way."""
        crop = "center_square" if frame.crop == "center" and frame.height == frame.width else frame.crop
        changed = {"height": frame.height, "width": frame.width, "channels": frame.channels, "crop": crop}
        return self.model_copy(update={"input": self.input.model_copy(update=changed)})

    def enlarged(self, factor: float) -> Self:
        """Return the same contract for inputs this many times as high and wide."""
        size = {"height": round(self.height * factor), "width": round(self.width * factor)}
        return self.model_copy(update={"input": self.input.model_copy(update=size)})

    def normalized(self, scale: float, zero_point: int) -> Self:
        """Return the same contract for a model whose first layer reads another grid."""
        return self.model_copy(update={"inside_the_model": Inside(normalization=Normalization(scale=scale, zero_point=zero_point))})

    def ending_in(self, asked: OutputType | Literal["auto"]) -> Self:
        """Return the same contract with this output of int8 models; "auto": as the task and the number of classes want it."""
        dtype = output_type(self.output.task, len(self.class_names)) if asked == "auto" else asked
        return self.model_copy(update={"output": self.output.model_copy(update={"dtype": dtype})})

    def for_task(self, task: Task) -> Self:
        """Return the same contract for another task, without what decides: thresholds and rejection."""
        dtype = output_type(task, len(self.class_names))
        changed = {"task": task, "activation": activation_of(task), "dtype": dtype, "thresholds": None, "rejection": None}
        return self.model_copy(update={"output": self.output.model_copy(update=changed)})

    def rejecting(self, rejection: Rejection | None) -> Self:
        """Return the same contract with this rejection of unknown images; None: every image is named."""
        return self.model_copy(update={"output": self.output.model_copy(update={"rejection": rejection})})

    def with_thresholds(self, thresholds: Thresholds | None) -> Self:
        """Return the same contract with these thresholds of the classes; None: those of the task alone."""
        return self.model_copy(update={"output": self.output.model_copy(update={"thresholds": thresholds})})

    def deciding_as(self, other: "Contract") -> Self:
        """Return the same contract with the rejection and the thresholds of another one."""
        return self.rejecting(other.output.rejection).with_thresholds(other.output.thresholds)

    def in_batches(self, batch: Batch) -> Self:
        """Return the same contract for a model that takes so many images at a time."""
        return self.model_copy(update={"input": self.input.model_copy(update={"batch": batch})})

    def overview(self) -> Overview:
        """Return what to feed and what comes out."""
        rows = [
            ("input", f"{self.height} x {self.width} pixels, {self.input.channels}, {self.input.dtype} 0 to 255"),
            ("batch", str(self.input.batch)),
            ("crop and resize", f"{self.input.crop}, {self.input.resize}"),
            ("output", f"{len(self.class_names)} {self.output.name} ({self.output.activation}), {self.output.dtype} of int8 models"),
            ("class names", ", ".join(quoted(self.class_names))),
        ]
        if self.output.rejection:
            kept, threshold = 100 * self.output.rejection.keep, self.output.rejection.threshold
            rows.append(("unknown", f"below a probability of {threshold:.3f}, chosen to keep {kept:g} % of the images of the classes"))
        return Overview("Contract", ("part", "value"), rows, ["The model normalizes by itself: feed plain pixels."])

    @property
    def height(self) -> int:
        """Height of the input in pixels (H)."""
        return self.input.height

    @property
    def width(self) -> int:
        """Width of the input in pixels (W)."""
        return self.input.width

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the input (H, W, C)."""
        return self.height, self.width, 1 if self.input.channels == "gray" else 3

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the K classes, in the order of the outputs."""
        return self.output.class_names

    @property
    def class_name_lines(self) -> bytes:
        """The content of labels.txt, as apps and model files hold it: a class name a line, in the order of the outputs."""
        return "".join(f"{name}\n" for name in self.class_names).encode()

    @property
    def ends_in_float(self) -> bool:
        """Whether the last operators of int8 models make float probabilities of logits that they change to float."""
        return self.output.ends_in_float

    @property
    def scale(self) -> float:
        """Real value of one pixel step."""
        return self.inside_the_model.normalization.scale

    @property
    def zero_point(self) -> int:
        """The pixel value that stands for 0.0."""
        return self.inside_the_model.normalization.zero_point

    @property
    def low(self) -> float:
        """Real value of pixel 0."""
        return -self.zero_point * self.scale

    @property
    def high(self) -> float:
        """Real value of pixel 255."""
        return (255 - self.zero_point) * self.scale

    def normalize(self, pixels: Any) -> Any:
        """Compute float32 `scale * (pixels - zero_point)` of float32 pixels; NumPy arrays and TensorFlow tensors alike."""
        return (pixels - np.float32(self.zero_point)) * np.float32(self.scale)

    def crop_box(self, width: int, height: int) -> tuple[float, float, float, float]:
        """Return what is cut from an image as (left, top, right, bottom) in pixels; parts of a pixel are allowed."""
        wide, high = float(width), float(height)
        if self.input.crop != "none":
            wide, high = min(wide, height * self.width / self.height), min(high, width * self.height / self.width)
        left, top = (width - wide) / 2, (height - high) / 2
        return left, top, left + wide, top + high
