"""The models of the zoo on an Ethos-U, as Arm's compiler estimates them: which operators the NPU has, cycles and memory.

usage: python benchmarks/zoo_npu.py [--write] [NAME...]   NAME: a folder of models/; --write: into its results.json and card.md

Trained files are not kept in the repository, so each network is made with random weights, calibrated on noise and exported as any other:
operators, cycles and working memory are those of the trained one, but for how well its weights can be packed.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from edgetl.keras import keras, layers, set_seed

import numpy as np

from edgetl.backbones import BACKBONES
from edgetl.contract import Contract
from edgetl.export import FORMATS
from edgetl.export.base import Conversion
from edgetl.micro.ethos_u import compiled
from edgetl.quantization.calibrate import histograms, minmax
from edgetl.quantization.quantized import bake
from edgetl.report.page.card import card
from edgetl.report.page.results import Results
from edgetl.training.fold import fold_batch_norms
from edgetl.training.head import attach_head

MODELS = Path(__file__).parents[1] / "models"
NPU, IMAGES = "ethos-u55-128", 8
OF = "the same network with random weights"


def main(names: Sequence[str], *, write: bool) -> None:
    for folder in sorted(path.parent for path in MODELS.glob("*/results.json")):
        if names and folder.name not in names:
            continue
        results = Results.read(folder / "results.json")
        found = compiled(int8_file(results), NPU).estimate
        print(f"{folder.name:32} {'  '.join(found.texts)}  {found.left}", flush=True)
        if write:
            changed = results.model_copy(update={"npu": (found,), "npu_of": OF})
            changed.write(folder / "results.json")
            (folder / "card.md").write_text(card(folder.name, changed), encoding="utf-8")


def int8_file(results: Results) -> bytes:
    set_seed(2)
    network = results.network
    backbone = BACKBONES.load(network.backbone)
    contract = Contract.square(network.image_size, backbone.scale, backbone.zero_point, [str(k) for k in range(results.data.classes)])
    pixels = np.random.default_rng(1).integers(0, 256, (IMAGES, *contract.shape), np.uint8)
    built = backbone.build(network.alpha, network.image_size)
    settled(built, contract.normalize(pixels.astype(np.float32)))
    model = attach_head(fold_batch_norms(built), results.data.classes)
    ranges = {name: minmax(one) for name, one in histograms(model, contract, pixels, np.arange(IMAGES)).items()}
    baked = bake(model, {layer.name: layer.get_weights() for layer in model.layers if layer.weights}, ranges, contract)
    return Conversion(baked.to_keras(model, contract), contract, "int8", FORMATS.load).file("tflite")


def settled(model: "keras.Model", images: "np.ndarray") -> None:
    """Give batch norms the statistics of these images and biases of their own: the converter merges layers whose constants are equal."""
    random = np.random.default_rng(6)
    norms = [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    for layer in model.layers:
        if getattr(layer, "use_bias", False):
            layer.bias.assign(random.normal(0, 0.1, layer.bias.shape))
    for norm in norms:
        norm.beta.assign(random.uniform(-0.5, 0.5, norm.beta.shape))
        norm.momentum = 0.0
    model(images, training=True)


if __name__ == "__main__":
    main([one for one in sys.argv[1:] if not one.startswith("--")], write="--write" in sys.argv)
