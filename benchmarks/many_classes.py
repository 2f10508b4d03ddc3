"""What int8 files lose with many classes: each of 1000 images is a class; of its crops five are learned from, two judged by.

usage: python benchmarks/many_classes.py IMAGES [CLASSES]   a folder with folders of images; 1000 if left out

Judged twice: with the output that the number of classes asks for, and with the other one.
"""

import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from common import SCRATCH, cpu_line, seconds
from numpy.typing import NDArray
from PIL import Image

from edgetl import Run, train
from edgetl.evaluation.agreement import compare
from edgetl.pipeline.project import Project
from edgetl.quantization.quantized import Quantized
from edgetl.runtimes import open_session
from edgetl.runtimes.base import predict
from edgetl.runtimes.keras import KerasSession

CROPS = {"train": 5, "val": 2}
SIZE = 128  # pixels of a crop
SIDES = 0.2, 0.5  # of a crop, in the image's shorter side: most crops of an image share little, so that the model stays unsure
# The head alone on cached features, no training with quantization: minutes on two cores, and accurate enough to have an order to lose.
SETTINGS = {
    "train.epochs": 0,
    "train.head_epochs": 10,
    "quantize.qat": False,
    "augment.strength": 0.0,
    "export.precisions": ["int8"],
}


def main(source: Path, classes: int) -> None:
    print(cpu_line())
    folder = SCRATCH / f"classes_{classes}"
    if not (folder / "images").exists():
        cut(source, folder / "making", classes, CROPS)
        (folder / "making").rename(folder / "images")
    network = {"model.backbone": "mobilenet_v2", "model.alpha": 0.35, "model.image_size": SIZE}
    took = seconds(lambda: train(folder / "images", out=folder / "run", settings=network | SETTINGS))
    run = Run(folder / "run")
    print(f"{classes} classes, {sum(CROPS.values()) * classes} images, trained in {took:.0f} s")
    print(f"{'output':8} {'model':12} {'top-1 %':>8} {'zero rows':>9} {'tied':>5} {'of Keras int8 %':>15}")
    for output in ("auto", "uint8" if classes > 256 else "float32"):
        run.export(precisions=["int8"], settings={"export.output": output})
        _judge(run)


def cut(source: Path, folder: Path, classes: int, crops: Mapping[str, int]) -> None:
    """Write random crops of images, evenly over the source's folders, as folders by split and class."""
    random = np.random.default_rng(0)
    found = sorted(source.glob("*/*"))
    for number, at in enumerate(np.linspace(0, len(found) - 1, classes).astype(int)):
        image = Image.open(found[at]).convert("RGB")
        for split, count in crops.items():
            into = folder / split / f"{number:04}"
            into.mkdir(parents=True)
            for crop in range(count):
                side = min(image.size) * random.uniform(*SIDES)
                left, top = (random.uniform(0, length - side) for length in image.size)
                cut = image.resize((SIZE, SIZE), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side), reducing_gap=3)
                cut.save(into / f"{crop}.jpg", quality=95)


def _judge(run: Run) -> None:
    project = Project.open(run.folder)
    images, rows = project.data.trained_images(), project.data.rows("val")
    model, contract = project.models.float_model, project.contract
    quantized = Quantized.load(run.folder.quantized_model("int8")).to_keras(model, contract)
    sessions = {"Keras float": KerasSession(model, contract), "Keras int8": KerasSession(quantized, contract)}
    sessions |= {name: open_session(run.path / "export" / f"model_int8.{name.lower()}", contract) for name in ("TFLite", "ONNX")}
    found = {name: predict(session, images.pixels, rows, name) for name, session in sessions.items()}
    output = contract.output.dtype
    for name, probabilities in found.items():
        top1 = 100 * (probabilities.argmax(1) == images.label_ids[rows]).mean()
        same = 100 * compare(found["Keras int8"], probabilities).top1_agreement
        print(f"{output:8} {name:12} {top1:8.2f} {(probabilities.max(1) == 0).sum():9} {_tied(probabilities):5} {same:15.2f}")
    agreement = compare(found["TFLite"], found["ONNX"])
    print(f"{output:8} TFLite ~ ONNX: {dataclasses.asdict(agreement) | {'worst': len(agreement.worst)}}")


def _tied(probabilities: NDArray[np.floating]) -> int:
    """Count the images whose highest probability several classes share."""
    return int(((probabilities == probabilities.max(axis=1, keepdims=True)).sum(axis=1) > 1).sum())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1000)
