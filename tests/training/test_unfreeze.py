"""Blocks are what people call them, on every backbone; exactly what was asked for learns."""

from collections.abc import Callable
from typing import Any

from edgetl.keras import layers

import numpy as np
import pytest

from edgetl.backbones import BACKBONES
from edgetl.errors import UsageError
from edgetl.training.fold import fold_batch_norms
from edgetl.training.head import Head, attach_head
from edgetl.training.unfreeze import blocks, depths, unfreeze

KNOWN = {"vgg16": 5, "resnet50": 5, "inception_v3": 16, "small_cnn": 3, "mobilenet_v1": 13, "mobilenet_v2": 20, "efficientnet_lite0": 18}


@pytest.mark.parametrize("name", BACKBONES)
def test_every_backbone_has_blocks(name: str) -> None:
    backbone = BACKBONES.load(name)
    raw = backbone.build(backbone.alphas[0], max(32, backbone.smallest_image))
    for model in (attach_head(raw, 3), attach_head(fold_batch_norms(raw), 3, Head("max", (8,)))):
        found = blocks(model)
        assert KNOWN.get(name, len(found)) == len(found)
        assert 3 <= len(found) <= 24, "few enough to be counted, enough to choose from"
        below = [layer for block in found for layer in block]
        assert below == model.layers[: len(below)]
        assert all(layer in below or isinstance(layer, layers.Dense) for layer in model.layers if layer.weights)
        assert all(any(layer.weights for layer in block) for block in found)
        deep = depths(model)
        assert deep["logits"] == 0
        assert deep[found[0][0].name] == len(found)


@pytest.mark.parametrize(
    ("what", "first"),
    [
        ("all", "image"),
        ("3-blocks", "image"),
        ("2-blocks", "block_depthwise"),
        ("1-block", "last"),
        ("head", "logits"),
        ("none", "logits"),
        ("block", "block_depthwise"),
        ("block_project", "block_project"),
    ],
)
def test_what_was_asked_for_learns(what: str, first: str, classifier: Callable[..., Any]) -> None:
    model = fold_batch_norms(classifier())
    unfreeze(model, what)
    names = [layer.name for layer in model.layers]
    assert [layer.trainable for layer in model.layers] == list(np.arange(len(names)) >= names.index(first))


def test_a_layers_own_name_comes_before_its_prefix(classifier: Callable[..., Any]) -> None:
    model = classifier()
    unfreeze(model, "last")
    assert model.get_layer("last").trainable
    assert not model.get_layer("block_add").trainable


def test_hidden_layers_are_the_head(classifier: Callable[..., Any]) -> None:
    model = attach_head(BACKBONES.load("small_cnn").build(0.5, 32), 3, Head("flatten", (16,)))
    unfreeze(model, "head")
    assert [layer.name for layer in model.layers if layer.trainable and layer.weights] == ["dense_1", "logits"]


@pytest.mark.parametrize("what", ["0-blocks", "4-blocks"])
def test_more_blocks_than_there_are(what: str, classifier: Callable[..., Any]) -> None:
    with pytest.raises(UsageError, match=f"--unfreeze {what}: small has 1 to 3 blocks"):
        unfreeze(fold_batch_norms(classifier()), what)


def test_an_unknown_layer_is_a_message_with_a_guess(classifier: Callable[..., Any]) -> None:
    with pytest.raises(UsageError, match="no layer 'blok_depthwise'") as caught:
        unfreeze(classifier(), "blok_depthwise")
    assert "did you mean 'block_depthwise'?" in caught.value.remedy
    assert "all" in caught.value.remedy
