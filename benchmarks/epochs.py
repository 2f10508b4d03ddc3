"""What an epoch costs: fine-tuning, and quantization-aware training of the same model on the same pictures.

usage: python benchmarks/epochs.py [PICTURES]
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from common import CLASSES, augmentation, classifier, cpu_line, quantize_settings, some_pictures

from edgetl.quantization.qat_int8 import quantize
from edgetl.training.epochs import Schedule
from edgetl.training.finetune import FineTuneSettings, Material, fine_tune

MODELS = (("mobilenet_v1", 0.25, 128), ("mobilenet_v2", 0.35, 128), ("efficientnet_lite0", 1.0, 160))


def main(count: int) -> None:
    print(cpu_line())
    print(f"{'model':28} {'float s':>8} {'QAT s':>8} {'ratio':>6}   epochs of {count} pictures, the second one")
    for name, alpha, size in MODELS:
        model, contract = classifier(name, alpha, size)
        pictures, larger = (some_pictures(replace(contract, image_size=pixels), count + 64) for pixels in (size, round(1.25 * size)))
        splits = np.where(np.arange(count + 64) < count, "train", "val")
        pictures, larger = replace(pictures, splits=splits), replace(larger, splits=splits)
        material = Material(pictures, larger, contract, np.ones(len(CLASSES), np.float32), augmentation(size))
        tuning = FineTuneSettings(32, 1e-4, 0.1, "all", 0.2, 0.1, False, 0)
        with tempfile.TemporaryDirectory() as folder:
            schedule = Schedule(2, -(-count // 32), 2, Path(folder) / "checkpoint.npz", "float")
            history = fine_tune(model, material, tuning, schedule)
            settings, own = quantize_settings(larger, size), replace(schedule, identity="qat")
            _, facts = quantize(model, pictures, pictures.rows("train")[:128], contract, settings, own)
        took = history.entries[1]["seconds"], facts["epochs"][1]["seconds"]
        print(f"{name + f' {alpha} {size} px':28} {took[0]:8.1f} {took[1]:8.1f} {took[1] / took[0]:6.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1024)
