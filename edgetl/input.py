"""The input of a model: what it takes of an image, what to feed, and what the model then does by itself."""

import math
from typing import Annotated, Final, Literal

from pydantic import Field, computed_field

from edgetl.documents import Part

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


class Values(Part):
    """The values of an input: their type, and from which to which they go."""

    dtype: Literal["uint8", "float32"]
    lowest: Literal[0] = 0
    highest: Literal[255] = 255


class Feed(Part):
    """A description of what to feed, for people who write an app: in words, and in numbers."""

    words: str
    shape: tuple[int, int, int] = Field(description="height, width and channels of one image, in this order in memory")
    int8_model: Values = Field(description="of a file with integer input")
    float_model: Values = Field(description="of a file with float input: the same values, neither divided nor shifted")


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

    @computed_field(description="the same in words and numbers; it follows from the rest")  # type: ignore[prop-decorator]
    @property
    def feed(self) -> Feed:
        """The same in words and numbers."""
        parts = {
            "center_square": "cut out the central square",
            "center": f"cut out the largest central part with the proportions {self.width} : {self.height}",
            "none": "cut nothing away",
        }
        grey = " and convert it to grey: (19595 R + 38470 G + 7471 B + 32768) >> 16" if self.channels == "gray" else ""
        words = (
            "Decode the image, turn it upright by its EXIF orientation, flatten transparency onto white, take it as RGB, "
            f"{parts[self.crop]}, resize it to a height of {self.height} and a width of {self.width} pixels with antialiased bilinear "
            f"filtering{grey}. Feed the values 0 to 255 as they are: as uint8 to an int8 file, as float32 to a float file. Do not divide "
            "them, and subtract no mean: the model does that itself."
        )
        shape = (self.height, self.width, 1 if self.channels == "gray" else 3)
        return Feed(words=words, shape=shape, int8_model=Values(dtype="uint8"), float_model=Values(dtype="float32"))


class Inside(Part):
    """The arithmetic that the model does by itself, and that nobody who feeds it repeats."""

    normalization: Normalization
