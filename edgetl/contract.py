"""The input contract: THE definition of what happens between an image and the model's first layer, and of what comes out.

Training, calibration, export, validation, prediction and every app read this one description, so that a model cannot be fed
otherwise in one place than in another. Shape letters used throughout edgetl: N batch, H height, W width, C channels, K classes.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgetl import files
from edgetl.errors import RunError

# A probability is a uint8 step of this size in int8 models: TFLite's fixed output grid of Softmax (quantization spec).
PROBABILITY_SCALE = 1.0 / 256.0
_SCHEMA = 1


@dataclass(frozen=True)
class InputContract:
    """How an image becomes the model's input, and what its outputs are called.

    The image is decoded, turned upright (EXIF), flattened onto white where transparent, made RGB, cropped to its central
    square and resized with antialiased bilinear filtering to `image_size` x `image_size` uint8 pixels. The model's first layer
    sees `scale * (pixel - zero_point)`: an affine uint8 grid, so that in int8 models the raw byte *is* the quantized input.

    Args:
        image_size: height and width in pixels.
        scale: real value of one pixel step.
        zero_point: the pixel value that stands for 0.0, in 0..255.
        class_names: class names, in the order of the model's outputs (K of them).
    """

    image_size: int
    scale: float
    zero_point: int
    class_names: tuple[str, ...]
    crop: str = "center_square"
    resize: str = "antialiased_bilinear"
    channels: str = "RGB"
    input_name: str = "image"
    output_name: str = "probabilities"

    def __post_init__(self) -> None:
        if not (isinstance(self.image_size, int) and isinstance(self.zero_point, int)):
            raise ValueError(f"image_size and zero_point are whole numbers: {self}")
        if self.image_size < 1 or not 0 < self.scale < math.inf or not 0 <= self.zero_point <= 255:
            raise ValueError(f"a value is out of range: {self}")
        if (self.crop, self.resize, self.channels) != ("center_square", "antialiased_bilinear", "RGB"):
            raise ValueError(f"it asks for pre-processing that this version does not have: {self}")
        if (
            len(set(self.class_names)) != len(self.class_names)
            or len(self.class_names) < 2
            or not all(isinstance(label, str) for label in self.class_names)
        ):
            raise ValueError(f"class_names must be two or more different names: {self.class_names}")

    @property
    def low(self) -> float:
        """Real value of pixel 0."""
        return -self.zero_point * self.scale

    @property
    def high(self) -> float:
        """Real value of pixel 255."""
        return (255 - self.zero_point) * self.scale

    def normalize(self, pixels: Any) -> Any:
        """float32 `scale * (pixels - zero_point)` of float32 pixels; NumPy arrays and TensorFlow tensors alike."""
        return (pixels - np.float32(self.zero_point)) * np.float32(self.scale)

    def crop_box(self, width: int, height: int) -> tuple[float, float, float, float]:
        """The central square of an image as (left, top, right, bottom) in pixels; halves of a pixel are allowed."""
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        return left, top, left + side, top + side

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"class_names": list(self.class_names), "pixel_dtype": "uint8", "schema": _SCHEMA}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "InputContract":
        """Raises RunError when the values are not a contract of this version."""
        try:
            if (values["schema"], values["pixel_dtype"]) != (_SCHEMA, "uint8") or not isinstance(values["class_names"], list):
                raise ValueError("its schema, pixel type or labels are of another kind")
            known = {name: values[name] for name in cls.__dataclass_fields__}
            return cls(**known | {"class_names": tuple(known["class_names"])})
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(f"not an input contract that this version reads: {error}", "export the model again") from error

    @classmethod
    def load(cls, path: Path) -> "InputContract":
        try:
            return cls.from_dict(files.read_json(path))
        except FileNotFoundError as error:
            raise RunError(f"there is no contract at {path}", "keep contract.json beside the model file") from error
        except (OSError, ValueError) as error:
            raise RunError(f"cannot read the contract {path}: {error}", "export the model again") from error
