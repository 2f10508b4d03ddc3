"""Random variations of training images, computed on whole batches where the model trains; each is drawn from an explicit seed."""

import math
from dataclasses import dataclass
from typing import Any

from edgetl.keras import tf


@dataclass(frozen=True)
class Augmentation:
    """How far training images may vary.

    Args:
        flip: mirror left-right at random.
        crop_min_area: smallest share of the image's area that a random crop keeps, in (0, 1].
        colour: brightness, contrast and saturation are each scaled by up to this much either way.
        strength: scales the crop and the colours; 0 turns everything off.
        size: height and width of what comes out, in pixels.
    """

    flip: bool
    crop_min_area: float
    colour: float
    strength: float
    size: tuple[int, int]

    def __call__(self, pixels: Any, seed: Any) -> Any:
        """float32 pixels in 0..255 [N, *size, C], rounded as uint8 would be, from uint8 pixels [N, H, W, C].

        Args:
            seed: int32 [2]; the same seed and pixels give the same result.
        """
        pixels = tf.cast(pixels, tf.float32)
        if not self.strength:
            return tf.ensure_shape(pixels, (None, *self.size, pixels.shape[-1]))
        draws = tf.unstack(tf.random.experimental.stateless_split(seed, 8))
        pixels = _colour(_crop(pixels, self, draws[:5]), min(self.colour * self.strength, 0.9), draws[5:])
        return tf.round(tf.clip_by_value(pixels, 0.0, 255.0))


def _uniform(seed: Any, pixels: Any, low: float, high: float) -> Any:
    return tf.random.stateless_uniform([tf.shape(pixels)[0]], seed, low, high)


def _crop(pixels: Any, how: Augmentation, seeds: list[Any]) -> Any:
    """Random resized crop with mirroring (Szegedy et al. 2015, arXiv:1409.4842): area and aspect ratio (3/4 to 4/3) vary."""
    min_area = max(1 - (1 - how.crop_min_area) * how.strength, 0.01)
    area = _uniform(seeds[0], pixels, min_area, 1.0)
    stretch = min(math.log(4 / 3), -math.log(min_area))  # a longer side than the image's would be cut off, and the area with it
    ratio = tf.exp(_uniform(seeds[1], pixels, -stretch, stretch))
    height, width = tf.minimum(tf.sqrt(area / ratio), 1.0), tf.minimum(tf.sqrt(area * ratio), 1.0)
    top, left = _uniform(seeds[2], pixels, 0.0, 1.0) * (1 - height), _uniform(seeds[3], pixels, 0.0, 1.0) * (1 - width)
    mirrored = _uniform(seeds[4], pixels, 0.0, 1.0) < (0.5 if how.flip else 0.0)
    start, end = tf.where(mirrored, left + width, left), tf.where(mirrored, left, left + width)
    boxes = tf.stack([top, start, top + height, end], axis=1)  # a box whose end comes before its start is read mirrored
    return tf.image.crop_and_resize(pixels, boxes, tf.range(tf.shape(pixels)[0]), list(how.size))


def _colour(pixels: Any, amount: float, seeds: list[Any]) -> Any:
    brightness, contrast, saturation = (_uniform(seed, pixels, 1 - amount, 1 + amount)[:, None, None, None] for seed in seeds)
    pixels = pixels * brightness
    mean = tf.reduce_mean(pixels, axis=[1, 2, 3], keepdims=True)
    pixels = (pixels - mean) * contrast + mean
    grey = tf.reduce_mean(pixels, axis=3, keepdims=True)
    return (pixels - grey) * saturation + grey
