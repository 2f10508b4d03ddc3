"""The head alone: it separates what a linear layer can, touches nothing else, and goes on after a kill."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edgetl.data.base import Images
from edgetl.data.examples import Examples
from edgetl.training import train_head as stage
from edgetl.training.head import Head, attach_head, decay, trunk_of
from edgetl.training.history import History
from edgetl.training.objective import ONE_CLASS
from edgetl.training.schedule import Schedule
from edgetl.training.scoring import scorer
from edgetl.training.train_head import HeadSettings, train_head
from tests.training.conftest import CONTRACT, small_backbone

SETTINGS = HeadSettings(epochs=20, learning_rate=0.2, batch_size=16, dropout=0.1, label_smoothing=0.0, mirror=True, seed=0)
MakeSchedule = Callable[..., Schedule]
EVEN = np.ones(3, np.float32)


def deep(seed: int, of: Head) -> Any:
    from edgetl.keras import set_seed

    set_seed(seed)
    return attach_head(small_backbone(), 3, of)


@pytest.fixture(scope="module")
def easy() -> Images:
    from tests.training.conftest import coloured

    return coloured(90, difference=90.0)


def learn(model: Any, images: Images, settings: HeadSettings, schedule: Schedule, weights: np.ndarray = EVEN) -> History:
    return train_head(model, Examples(images, CONTRACT, weights), settings, schedule)


def best_accuracy(history: History) -> float:
    assert history.best is not None
    return history.best.val_accuracy


@pytest.mark.parametrize("memory_bytes", [stage._MEMORY_BYTES, 0], ids=["in memory", "in a file"])
def test_it_separates_simple_images(
    classifier: Callable[..., Any], easy: Images, memory_bytes: int, schedule: MakeSchedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "_MEMORY_BYTES", memory_bytes)
    monkeypatch.setattr(stage, "_PIECE", 7)
    model = classifier()
    before = {layer.name: layer.get_weights() for layer in model.layers}
    accuracy = best_accuracy(learn(model, easy, SETTINGS, schedule(0)))
    assert accuracy >= 0.9, "random features tell three colours apart; chance is a third"
    val = easy.rows("val")
    logits = scorer(model, CONTRACT)(easy.pixels, val)
    assert ONE_CLASS.judge(logits, easy.label_ids[val])[0] == pytest.approx(accuracy), "the weights are those of the last epoch"
    for layer in model.layers:
        changed = any((a != b).any() for a, b in zip(before[layer.name], layer.get_weights(), strict=True))
        assert changed == (layer.name == "logits"), f"{layer.name}"


def test_the_last_epoch_is_kept_and_recorded(classifier: Callable[..., Any], images: Images, schedule: MakeSchedule) -> None:
    """A learning rate that makes the accuracy jump: the last epoch is rarely the best, and none is chosen."""
    wild = replace(SETTINGS, epochs=6, learning_rate=3.0, dropout=0.0, mirror=False)
    val = images.rows("val")
    for seed in range(2):
        model = classifier(seed)
        history = learn(model, images, wild, schedule(0, identity=str(seed)))
        accuracy = best_accuracy(history)
        assert (len(history.epochs), history.best_epoch) == (6, 6)
        assert ONE_CLASS.judge(scorer(model, CONTRACT)(images.pixels, val), images.label_ids[val])[0] == pytest.approx(accuracy)


def test_class_weights_count(classifier: Callable[..., Any], images: Images, schedule: MakeSchedule) -> None:
    """A class whose images weigh nothing is not learned."""
    model = classifier()
    learn(model, images, SETTINGS, schedule(0), np.array([1.5, 1.5, 0], np.float32))
    val = images.rows("val")
    assert (scorer(model, CONTRACT)(images.pixels, val).argmax(1) != 2).all()


def test_the_trunk_gives_pooled_features(classifier: Callable[..., Any], images: Images) -> None:
    model = classifier()
    features = scorer(trunk_of(model), CONTRACT)(images.pixels, np.arange(70), "features")  # more than a batch
    assert features.shape == (70, 12)
    kernel, bias = model.get_layer("logits").get_weights()
    np.testing.assert_allclose(features @ kernel + bias, scorer(model, CONTRACT)(images.pixels, np.arange(70)), rtol=1e-4, atol=1e-5)


def test_the_scorer_mirrors_and_sees_later_weights(classifier: Callable[..., Any], images: Images) -> None:
    model = classifier()
    rows = np.arange(5)
    mirrored = scorer(model, CONTRACT, mirrored=True)(images.pixels, rows)
    score = scorer(model, CONTRACT)
    np.testing.assert_array_equal(mirrored, score(images.pixels[:, :, ::-1].copy(), rows))
    model.get_layer("logits").set_weights([np.zeros((12, 3)), np.array([1.0, 2.0, 3.0])])
    np.testing.assert_array_equal(score(images.pixels, rows), np.tile([1.0, 2.0, 3.0], (5, 1)))


@pytest.mark.parametrize("pooling", ["average", "max", "flatten"])
def test_hidden_layers_learn_too(pooling: str, easy: Images, schedule: MakeSchedule) -> None:
    model = deep(1, Head(pooling, (16, 8)))
    assert [layer.name for layer in model.layers[-5:]] == ["dense_1", "dense_1_relu", "dense_2", "dense_2_relu", "logits"]
    before = {layer.name: layer.get_weights() for layer in model.layers}
    accuracy = best_accuracy(learn(model, easy, replace(SETTINGS, learning_rate=0.02), schedule(0)))
    assert accuracy >= 0.6, "chance is a third"
    val = easy.rows("val")
    assert ONE_CLASS.judge(scorer(model, CONTRACT)(easy.pixels, val), easy.label_ids[val])[0] == pytest.approx(accuracy)
    for layer in model.layers:
        changed = any((a != b).any() for a, b in zip(before[layer.name], layer.get_weights(), strict=True))
        assert changed == (layer.name in ("dense_1", "dense_2", "logits")), layer.name


def test_pooling_is_what_it_is_called(easy: Images) -> None:
    backbone = small_backbone()
    features = scorer(backbone, CONTRACT)(easy.pixels, np.arange(3))
    wanted = {"average": features.mean((1, 2)), "max": features.max((1, 2)), "flatten": features.reshape(3, -1)}
    for pooling, expected in wanted.items():
        pooled = scorer(trunk_of(attach_head(backbone, 3, Head(pooling))), CONTRACT)(easy.pixels, np.arange(3))
        np.testing.assert_allclose(pooled, expected, rtol=1e-5, atol=1e-6)


def test_l2_keeps_the_heads_kernels_small(easy: Images, schedule: MakeSchedule) -> None:
    sizes = []
    for l2 in (0.0, 0.1):
        model = deep(1, Head("average", (8,)))
        learn(model, easy, replace(SETTINGS, learning_rate=0.01, l2=l2), schedule(0, identity=str(l2)))
        sizes.append(float(decay(model, 1.0)))
    assert sizes[1] < 0.5 * sizes[0]


def test_a_killed_head_goes_on_to_the_same_weights(
    classifier: Callable[..., Any], images: Images, schedule: MakeSchedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, epochs, batches = replace(SETTINGS, epochs=4), [], stage._Epoch

    def killed(features: Any, label_ids: np.ndarray, settings: HeadSettings, epoch: int) -> Any:
        epochs.append(epoch)
        if epochs == [0, 1, 2]:
            raise KeyboardInterrupt
        return batches(features, label_ids, settings, epoch)

    straight, resumed = classifier(), classifier()
    expected = learn(straight, images, settings, schedule(0, identity="straight"))
    monkeypatch.setattr(stage, "_Epoch", killed)
    with pytest.raises(KeyboardInterrupt):
        learn(classifier(), images, settings, schedule(0))
    history = learn(resumed, images, settings, schedule(0))
    assert epochs == [0, 1, 2, 2, 3]
    assert [replace(epoch, seconds=0) for epoch in history.epochs] == [replace(epoch, seconds=0) for epoch in expected.epochs]
    for a, b in zip(straight.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
