"""Two replicas on one CPU learn what one learns from the same batches. A program, since devices are fixed when TensorFlow starts."""

import sys
from dataclasses import replace
from pathlib import Path

from edgetl.keras import set_seed, tf

import numpy as np

from edgetl.data.examples import AugmentedExamples
from edgetl.training.finetune import FineTuneSettings, fine_tune
from edgetl.training.head import attach_head
from edgetl.training.schedule import Schedule
from edgetl.training.team import ALONE, Team, team
from tests.training.conftest import CONTRACT, NO_AUGMENTATION, coloured, small_backbone

SETTINGS = FineTuneSettings(
    batch_size=8,
    learning_rate=0.02,
    warmup_fraction=0.1,
    unfreeze="all",
    dropout=0.0,
    label_smoothing=0.1,
    live_norms=False,
    seed=5,
    l2=1e-4,
)


def trained(own: Team, batch_size: int, folder: Path) -> list[np.ndarray]:
    set_seed(3)
    with own.scope():
        model = attach_head(small_backbone(), 3)
    images = coloured(92)  # the last batch is smaller, and odd
    checkpoint = folder / f"{own.replicas}.npz"
    schedule = Schedule(name="training", epochs=2, steps_per_epoch=8, patience=9, checkpoint=checkpoint, identity="these")
    settings = replace(SETTINGS, batch_size=batch_size)
    examples = AugmentedExamples(images, CONTRACT, np.ones(3, np.float32), lambda: images, NO_AUGMENTATION)
    fine_tune(model, examples, settings, schedule, team=own)
    return list(model.get_weights())


if __name__ == "__main__":
    [cpu] = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    two = team("auto")
    assert (two.replicas, two.workers, two.rank) == (2, 1, 0)
    for one, both in zip(trained(ALONE, 8, Path(sys.argv[1])), trained(two, 4, Path(sys.argv[1])), strict=True):
        np.testing.assert_allclose(one, both, rtol=1e-4, atol=1e-5)  # sums in another order, through 16 steps of Adam
