"""Exactly what was asked for learns. That blocks are what people call them, on every backbone: tests/backbones/test_later_stages.py."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgetl.backbones import BACKBONES
from edgetl.errors import UsageError
from edgetl.training.finetune import unfreeze
from edgetl.training.fold import fold_batch_norms
from edgetl.training.head import Head, attach_head


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
