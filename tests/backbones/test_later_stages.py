"""What later stages do with every backbone: count its blocks, and look into it. Here, where each network is built once."""

from edgetl.keras import layers

import numpy as np
import pytest

from edgetl.backbones import BACKBONES
from edgetl.contract import Contract
from edgetl.explanation.gradcam import last_map, saliency
from edgetl.quantization.quantized import bake, ranged_layers
from edgetl.training.blocks import blocks, depths
from edgetl.training.head import Head, attach_head
from tests.backbones.conftest import Build, every_backbone, of, smallest

KNOWN = {"vgg16": 5, "resnet50": 5, "inception_v3": 16, "small_cnn": 3, "mobilenet_v1": 13, "mobilenet_v2": 20, "efficientnet_lite0": 18}


@every_backbone
def test_every_backbone_has_blocks(name: str, build: Build, folded: Build) -> None:
    size = smallest(name)
    for model in (attach_head(build(name, size), 3), attach_head(folded(name, size), 3, Head("max", (8,)))):
        found = blocks(model)
        assert KNOWN.get(name, len(found)) == len(found)
        assert 3 <= len(found) <= 32, "few enough to be counted, enough to choose from"
        below = [layer for block in found for layer in block]
        assert below == model.layers[: len(below)]
        assert all(layer in below or isinstance(layer, layers.Dense) for layer in model.layers if layer.weights)
        assert all(any(layer.weights for layer in block) for block in found)
        deep = depths(model)
        assert deep["logits"] == 0
        assert deep[found[0][0].name] == len(found)


@pytest.mark.parametrize(("name", "times"), [*(of(name, 1) for name in BACKBONES), ("mobilenet_v2", 3)])
def test_every_backbone_can_be_looked_into(name: str, times: int, folded: Build) -> None:
    """Float and on int8 grids; at 32 px the last layers have one place only."""
    backbone, size = BACKBONES.load(name), times * smallest(name)
    model = attach_head(folded(name, size), 2)
    contract = Contract.square(size, backbone.scale, backbone.zero_point, ("a", "b"))
    image = np.random.default_rng(0).integers(0, 255, (size, size, 3), np.uint8)
    layer = last_map(model)
    weights = {one.name: one.get_weights() for one in model.layers if one.weights}
    grids = bake(model, weights, dict.fromkeys(ranged_layers(model), (-2.0, 6.0)), contract)
    for one in (model, grids.to_keras(model, contract)):
        found = saliency(one, layer, contract, image)
        assert found.map.shape == (size, size)
        assert np.isfinite(found.map).all()
        assert 0 <= found.map.min() <= found.map.max() <= 1 + 1e-6
        assert 0 <= found.figures.beaten <= 1
