"""What an epoch costs: fine-tuning, and quantization-aware training of the same model on the same images.

The limit is the bare step: Keras' `fit` on normalized images in memory, nothing augmented, validated or kept.

usage: python benchmarks/epochs.py [IMAGES]
"""

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgetl.keras import keras, tf

import numpy as np
from common import QUANTIZE, classifier, cpu_line, some_images
from common import examples as examples_of

from edgetl.contract import Contract, Frame
from edgetl.data.base import Images
from edgetl.quantization.distil import quantize
from edgetl.training.finetune import FineTuneSettings, fine_tune
from edgetl.training.schedule import Schedule

MODELS = (("mobilenet_v1", 0.25, 128), ("mobilenet_v2", 0.35, 128), ("efficientnet_lite0", 1.0, 160))


def main(count: int) -> None:
    print(cpu_line())
    print(f"seconds of the second epoch of {count} images")
    print(f"{'model':28} {'float':>8} {'QAT':>8} {'ratio':>6} {'bare fit':>10} {'float / it':>10}")
    for name, alpha, size in MODELS:
        model, contract = classifier(name, alpha, size)
        images, larger = (some_images(contract.taking(Frame(pixels, pixels)), count + 64) for pixels in (size, round(1.25 * size)))
        splits = np.where(np.arange(count + 64) < count, "train", "val")
        images, larger = replace(images, splits=splits), replace(larger, splits=splits)
        examples = examples_of(images, contract, larger)
        tuning = FineTuneSettings(
            batch_size=32,
            learning_rate=1e-4,
            warmup_fraction=0.1,
            unfreeze="all",
            dropout=0.2,
            label_smoothing=0.1,
            live_norms=False,
            seed=0,
        )
        bare = bare_fit(model, contract, images)
        with tempfile.TemporaryDirectory() as folder:
            checkpoint, steps = Path(folder) / "checkpoint.npz", -(-count // 32)
            schedule = Schedule(name="fine-tuning", epochs=2, steps_per_epoch=steps, patience=2, checkpoint=checkpoint, identity="float")
            history = fine_tune(model, examples, tuning, schedule)
            found = quantize(model, examples, images.rows("train")[:128], QUANTIZE, replace(schedule, identity="qat"))
        tuned, aware = history.epochs[1].seconds, found.training.epochs[1].seconds
        figures = f"{tuned:8.1f} {aware:8.1f} {aware / tuned:6.2f} {bare:10.1f} {tuned / bare:10.2f}"
        print(f"{name + f' {alpha} {size} px':28} {figures}")


def bare_fit(model: Any, contract: Contract, images: Images) -> float:
    """Seconds of the second epoch of a copy of the model."""
    copy, rows = keras.models.clone_model(model), images.rows("train")
    copy.compile(keras.optimizers.Adam(1e-4), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    normalized, seconds = contract.normalize(tf.cast(images.pixels[rows], tf.float32)).numpy(), 0.0
    for _ in range(2):
        started = time.monotonic()
        copy.fit(normalized, images.label_ids[rows], batch_size=32, verbose=0)
        seconds = time.monotonic() - started
    return seconds


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1024)
