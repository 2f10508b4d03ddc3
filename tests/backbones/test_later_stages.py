"""What later stages do with every backbone: count its blocks, and look into it. Here, where each network is built once."""

from edgetl.keras import layers

from edgetl.training.blocks import blocks, depths
from edgetl.training.head import Head, attach_head
from tests.backbones.conftest import Build, every_backbone, smallest

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
