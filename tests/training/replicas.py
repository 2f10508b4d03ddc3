"""Two replicas on one CPU learn what one learns from the same batches. A program, since devices are fixed when TensorFlow starts."""

import sys
from dataclasses import replace
from pathlib import Path

from edgetl.keras import set_seed, tf

import numpy as np

from edgetl.training.epochs import Schedule
from edgetl.training.finetune import FineTuneSettings, Material, fine_tune
from edgetl.training.head import attach_head
from edgetl.training.team import ALONE, Team, team
from tests.training.conftest import CONTRACT, NO_AUGMENTATION, coloured, small_backbone

SETTINGS = FineTuneSettings(8, 0.02, 0.1, "all", 0.0, 0.1, False, 5, l2=1e-4)


def trained(own: Team, batch_size: int, folder: Path) -> list[np.ndarray]:
    set_seed(3)
    with own.scope():
        model = attach_head(small_backbone(), 3)
    images = coloured(92)  # the last batch is smaller, and odd
    schedule = Schedule(2, 8, 9, folder / f"{own.replicas}.npz", "these")
    settings = replace(SETTINGS, batch_size=batch_size)
    material = Material(images, images, CONTRACT, np.ones(3, np.float32), NO_AUGMENTATION)
    fine_tune(model, material, settings, schedule, team=own)
    return list(model.get_weights())


if __name__ == "__main__":
    [cpu] = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    two = team("auto")
    assert (two.replicas, two.workers, two.rank) == (2, 1, 0)
    for one, both in zip(trained(ALONE, 8, Path(sys.argv[1])), trained(two, 4, Path(sys.argv[1])), strict=True):
        np.testing.assert_allclose(one, both, rtol=1e-4, atol=1e-5)  # sums in another order, through 16 steps of Adam
