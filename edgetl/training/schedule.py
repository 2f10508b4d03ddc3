"""How long a training takes, and its learning rate over the steps."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgetl.keras import keras, tf

_EPOCHS_AT_ONE_STEP, _FEWEST_EPOCHS, _MOST_EPOCHS = 230, 8, 40  # 40 up to 1000 images in batches of 32, 24 for 3000, 13 for 10,000


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long to train, and where to keep what a killed training needs to go on.

    Args:
        name: names the training in messages and in TensorBoard.
        epochs: the most epochs.
        steps_per_epoch: batches in an epoch.
        patience: epochs without a better one after which training stops, and the best one is kept; 0: all epochs are trained, and the
            last one is kept, which the end of the schedule makes as good as any.
        checkpoint: file to resume from after a kill; `finish` removes it.
        identity: fingerprint of all inputs; a checkpoint of other inputs is not used.
        logs: folder that gets TensorBoard's logs, a folder for each training; None: no logs.
        judged_by: what the images are that are judged after each epoch, such as "held-out image".
        epochs_after: about as long as this training's, which other trainings of the same work take; None: nothing is known of them, and
            nothing is reported of the time left in total.
    """

    name: str
    epochs: int
    steps_per_epoch: int
    patience: int
    checkpoint: Path
    identity: str
    logs: Path | None = None
    judged_by: str = "held-out image"
    epochs_after: int | None = None

    def part(self, name: str) -> "Schedule":
        """Return the schedule of a part of the training, with its own name and its own checkpoint beside this one's."""
        return replace(self, name=name, epochs_after=None, checkpoint=self.checkpoint.with_stem(f"{self.checkpoint.stem}-{name}"))

    def finish(self) -> None:
        """Remove the checkpoints, those of the parts too."""
        for checkpoint in self.checkpoint.parent.glob(f"{self.checkpoint.stem}*"):
            checkpoint.unlink()


def epochs_for(steps_per_epoch: int) -> int:
    """Return for how many epochs to fine-tune: the fewer images, the more often each is seen; in between steps grow with their root.

    On few images the network needs steps more than it fears overfitting, since the images vary at random and the rate falls to 0; on many
    images the last epochs bring tenths of a point (benchmarks/defaults.py).
    """
    return round(min(max(_EPOCHS_AT_ONE_STEP / math.sqrt(max(steps_per_epoch, 1)), _FEWEST_EPOCHS), _MOST_EPOCHS))


class WarmupCosine(keras.optimizers.schedules.LearningRateSchedule):
    """Linear from 0 to `peak` over the first `warmup` steps, then half a cosine to 0 at step `steps` (arXiv:1608.03983, no restarts).

    Before step `start` the rate is 0.
    """

    def __init__(self, peak: float, steps: int, warmup: int, start: int = 0) -> None:
        self.peak, self.steps, self.warmup, self.start = peak, max(steps, 1), max(warmup, 1), start

    def __call__(self, step: Any) -> Any:
        step = tf.cast(step, tf.float32)
        rising = (step + 1) / self.warmup
        falling = 0.5 * (1 + tf.cos(math.pi * tf.clip_by_value((step - self.warmup) / max(self.steps - self.warmup, 1), 0.0, 1.0)))
        return self.peak * tf.minimum(rising, falling) * tf.cast(step >= self.start, tf.float32)

    def get_config(self) -> dict[str, float]:
        return {"peak": self.peak, "steps": self.steps, "warmup": self.warmup, "start": self.start}
