"""Learning rates over the steps of a training."""

import math
from typing import Any

from edgetl.keras import keras, tf


class WarmupCosine(keras.optimizers.schedules.LearningRateSchedule):
    """Linear from 0 to `peak` over the first `warmup` steps, then half a cosine to 0 at step `steps` (arXiv:1608.03983, no restarts).

    Before step `start` it is 0.
    """

    def __init__(self, peak: float, steps: int, warmup: int, start: int = 0) -> None:
        self.peak, self.steps, self.warmup, self.start = peak, max(steps, 1), max(warmup, 1), start

    def __call__(self, step: Any) -> Any:
        step = tf.cast(step, tf.float32)
        rising = (step + 1) / self.warmup
        falling = 0.5 * (1 + tf.cos(math.pi * tf.clip_by_value((step - self.warmup) / max(self.steps - self.warmup, 1), 0.0, 1.0)))
        return self.peak * tf.minimum(rising, falling) * tf.cast(step >= self.start, tf.float32)

    def get_config(self) -> dict[str, Any]:
        return {"peak": self.peak, "steps": self.steps, "warmup": self.warmup, "start": self.start}
