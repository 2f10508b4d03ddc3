"""The last layer alone: it separates what a linear layer can, and touches nothing else."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgetl.data.base import Pictures
from edgetl.training.finetune import accuracy_and_loss
from edgetl.training.head import HeadSettings, train_head, trunk_of
from edgetl.training.scoring import scorer
from tests.training.conftest import CONTRACT

SETTINGS = HeadSettings(epochs=20, learning_rate=0.1, batch_size=4, dropout=0.1, label_smoothing=0.0, mirror=True)
EVEN = np.ones(3, np.float32)


@pytest.fixture(scope="module")
def easy() -> Pictures:
    from tests.training.conftest import coloured

    return coloured(90, difference=90.0)


def test_it_separates_simple_pictures(classifier: Callable[..., Any], easy: Pictures) -> None:
    model = classifier()
    before = {layer.name: layer.get_weights() for layer in model.layers}
    accuracy = train_head(model, easy, CONTRACT, EVEN, SETTINGS).best["val_accuracy"]
    assert accuracy >= 0.9, "random features tell three colours apart; chance is a third"
    val = easy.rows("val")
    logits = scorer(model, CONTRACT)(easy.pixels, val)
    assert accuracy_and_loss(logits, easy.labels[val])[0] == pytest.approx(accuracy), "the weights are those of the best epoch"
    for layer in model.layers:
        changed = any((a != b).any() for a, b in zip(before[layer.name], layer.get_weights(), strict=True))
        assert changed == (layer.name == "logits"), f"{layer.name}"


def test_the_best_epoch_is_kept_when_later_ones_are_worse(classifier: Callable[..., Any], pictures: Pictures) -> None:
    """A learning rate that makes the accuracy jump: the last epoch is rarely the best."""
    wild = HeadSettings(epochs=6, learning_rate=3.0, batch_size=4, dropout=0.0, label_smoothing=0.0, mirror=False)
    val = pictures.rows("val")
    for seed in range(2):
        model = classifier(seed)
        history = train_head(model, pictures, CONTRACT, EVEN, wild)
        accuracy = history.best["val_accuracy"]
        assert len(history.entries) == 6
        assert accuracy_and_loss(scorer(model, CONTRACT)(pictures.pixels, val), pictures.labels[val])[0] == pytest.approx(accuracy)


def test_class_weights_count(classifier: Callable[..., Any], pictures: Pictures) -> None:
    """A class whose pictures weigh nothing is not learned."""
    model = classifier()
    train_head(model, pictures, CONTRACT, np.array([1.5, 1.5, 0], np.float32), SETTINGS)
    val = pictures.rows("val")
    assert (scorer(model, CONTRACT)(pictures.pixels, val).argmax(1) != 2).all()


def test_the_trunk_gives_pooled_features(classifier: Callable[..., Any], pictures: Pictures) -> None:
    model = classifier()
    features = scorer(trunk_of(model), CONTRACT)(pictures.pixels, np.arange(70), "features")  # more than a batch
    assert features.shape == (70, 12)
    kernel, bias = model.get_layer("logits").get_weights()
    np.testing.assert_allclose(features @ kernel + bias, scorer(model, CONTRACT)(pictures.pixels, np.arange(70)), rtol=1e-4, atol=1e-5)


def test_the_scorer_mirrors_and_sees_later_weights(classifier: Callable[..., Any], pictures: Pictures) -> None:
    model = classifier()
    rows = np.arange(5)
    mirrored = scorer(model, CONTRACT, mirrored=True)(pictures.pixels, rows)
    score = scorer(model, CONTRACT)
    np.testing.assert_array_equal(mirrored, score(pictures.pixels[:, :, ::-1].copy(), rows))
    model.get_layer("logits").set_weights([np.zeros((12, 3)), np.array([1.0, 2.0, 3.0])])
    np.testing.assert_array_equal(score(pictures.pixels, rows), np.tile([1.0, 2.0, 3.0], (5, 1)))
