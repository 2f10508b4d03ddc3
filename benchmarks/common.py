"""What the benchmark scripts share: a classifier with ImageNet weights where they can be had, and some images."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgetl.keras import set_seed

import numpy as np

from edgetl.backbones import BACKBONES
from edgetl.backbones.weights import load as weights
from edgetl.contract import Contract
from edgetl.data.augment import Augmentation
from edgetl.data.base import Images
from edgetl.data.examples import AugmentedExamples
from edgetl.errors import WeightsError
from edgetl.quantization.base import Settings
from edgetl.quantization.calibrate import quantize
from edgetl.quantization.quantized import Quantized
from edgetl.training.fold import fold_batch_norms
from edgetl.training.head import attach_head

CLASSES = ("daisy", "dandelion", "roses", "sunflowers", "tulips")


def classifier(name: str, alpha: float, image_size: int) -> tuple[Any, Contract]:
    """A folded classifier with a random last layer. Latency does not depend on the weights, so random ones will do."""
    set_seed(0)
    backbone = BACKBONES.load(name)
    model = backbone.build(alpha, image_size)
    try:
        weights.load(model, backbone, "imagenet", alpha, image_size)
    except WeightsError:
        weights.load(model, backbone, "none", alpha, image_size)
    contract = Contract.square(image_size, backbone.scale, backbone.zero_point, CLASSES)
    return attach_head(fold_batch_norms(model), len(CLASSES)), contract


def some_images(contract: Contract, count: int) -> Images:
    """Smooth random images, all in the training split: enough for ranges, and no data set is needed."""
    random, size = np.random.default_rng(0), contract.height
    coarse = random.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    pixels = np.repeat(np.repeat(coarse, -(-size // 8), axis=1), -(-size // 8), axis=2)[:, :size, :size]
    names = tuple(map(str, range(count)))
    return Images(pixels, np.zeros(count, np.int32), np.full(count, "train"), names, names, CLASSES, (), "random")


def calibrated(model: Any, contract: Contract, images: Images) -> Quantized:
    """As `edgetl train` calibrates by default: all range methods tried, biases corrected."""
    return quantize(model, examples(images, contract, images), images.rows("train"), QUANTIZE).model


def examples(images: Images, contract: Contract, larger: Images) -> AugmentedExamples:
    return AugmentedExamples(images, contract, np.ones(len(CLASSES), np.float32), lambda: larger, augmentation(contract.height))


def augmentation(image_size: int) -> Augmentation:
    return Augmentation(flip=True, crop_min_area=0.35, colour=0.2, strength=1.0, size=(image_size, image_size))


QUANTIZE = Settings(
    "auto", batch_size=32, learning_rate=3e-5, temperature=2.0, feature_weight=10.0, learn_ranges=True, seed=0, compressed=False
)


def seconds(work: Callable[[], object]) -> float:
    """That it takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def cpu_line() -> str:
    from edgetl.runtimes.cpu import cpu_facts

    facts = cpu_facts()
    return f"{facts.model}, {facts.cores} cores, {', '.join(facts.found)}"


SCRATCH = Path("build/benchmarks")
