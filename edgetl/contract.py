"""The contract between a model and whoever feeds it: THE definition of what happens between an image and the model's first layer,
and of what comes out.

Training, calibration, export, validation, prediction and every app read this one description, so that a model cannot be fed
otherwise in one place than in another. Shape letters used throughout edgetl: N batch, H height, W width, C channels, K classes.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from edgetl.documents import Document, Part
from edgetl.errors import RunError
from edgetl.output import Output, OutputType, Rejection, Task, Thresholds, activation_of, output_type
from edgetl.overview import Overview
from edgetl.wording import quoted

Channels = Literal["RGB", "gray"]
Crop = Literal["center_square", "center", "none"]

FREE_BATCH: Final = "dynamic"
_MOST_AT_ONCE = 256  # images of a fixed batch, which holds all of them in memory; far fewer keep a processor busy
Batch = Annotated[int, Field(ge=1, le=_MOST_AT_ONCE)] | Literal["dynamic"]
Pixels = Annotated[int, Field(ge=1, le=4096)]  # larger than any classifier's input; an upper limit bounds what a file can ask for


class Normalization(Part):
    """The arithmetic of the model's first layer: `scale * (pixel - zero_point)`. Nobody who feeds the model does it again.

    It is an affine uint8 grid, so that in int8 models the raw byte *is* the quantized input.
    """

    scale: float = Field(gt=0, lt=math.inf, description="real value of one pixel step")
    zero_point: int = Field(ge=0, le=255, description="the pixel value that stands for 0.0")


class Input(Part):
    """The input: the image decoded, turned upright (EXIF), flattened onto white where transparent, converted to RGB, cropped as `crop`
    says, resized with antialiased bilinear filtering to `height` x `width` pixels, 0 to 255 each, and converted to `channels`. An int8
    model takes them as uint8, a float model the same values as float32."""

    name: str
    height: Pixels
    width: Pixels
    channels: Channels
    dtype: Literal["uint8"]
    batch: Batch = Field(description="images at a time; dynamic: any number, and one in files of formats that have no free batch")
    crop: Crop = Field(
        description="to the central square, to the largest central part with the proportions of the input, or none: images are stretched"
    )
    resize: Literal["antialiased_bilinear"]
    normalization_inside_the_model: Normalization


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

    input: Input
    output: Output

    @model_validator(mode="after")
    def _supported(self) -> Self:
        asked = {
            "the central square of images for an input that is none": self.input.crop == "center_square" and self.height != self.width,
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
                normalization_inside_the_model=Normalization(scale=scale, zero_point=zero_point),
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
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read contract.json. Raises RunError that names the first place that is wrong."""
        if not path.exists():
            raise RunError(f"there is no contract at {path}", "keep contract.json beside the model file")
        return super().read(path)

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
        grid = Normalization(scale=scale, zero_point=zero_point)
        return self.model_copy(update={"input": self.input.model_copy(update={"normalization_inside_the_model": grid})})

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
        return self.input.normalization_inside_the_model.scale

    @property
    def zero_point(self) -> int:
        """The pixel value that stands for 0.0."""
        return self.input.normalization_inside_the_model.zero_point

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
