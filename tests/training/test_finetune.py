"""Fine-tuning: it learns, the same every time, only what it may, and goes on after a kill."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from edgetl.keras import tf

import numpy as np
import pytest

from edgetl.data.augment import Augmentation
from edgetl.data.base import Images
from edgetl.data.examples import AugmentedExamples, Batching, Share, class_weights, epoch_batches
from edgetl.errors import RunError
from edgetl.training import finetune
from edgetl.training.finetune import FineTuneSettings, fine_tune
from edgetl.training.head import decay
from edgetl.training.history import History
from edgetl.training.objective import ONE_CLASS
from edgetl.training.schedule import Schedule
from edgetl.training.scoring import scorer
from edgetl.training.speed import in_precision
from edgetl.training.step import Step
from tests.training.conftest import CONTRACT, NO_AUGMENTATION, SIZE

Classifier = Callable[..., Any]
MakeSchedule = Callable[..., Schedule]
SETTINGS = FineTuneSettings(
    batch_size=8, learning_rate=0.02, warmup_fraction=0.1, unfreeze="all", dropout=0.1, label_smoothing=0.1, live_norms=True, seed=5
)
AUGMENTATION = Augmentation(flip=True, crop_min_area=0.6, colour=0.05, strength=1.0, size=(SIZE, SIZE))
EVEN = np.ones(3, np.float32)


def tune(
    model: Any, images: Images, schedule: Schedule, settings: FineTuneSettings = SETTINGS, augment: Augmentation = AUGMENTATION
) -> History:
    return fine_tune(model, AugmentedExamples(images, CONTRACT, EVEN, lambda: images, augment), settings, schedule)


def best_accuracy(history: History) -> float:
    return max(epoch.val_accuracy for epoch in history.epochs)


def same_weights(a: Any, b: Any) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a.get_weights(), b.get_weights(), strict=True))


def test_it_learns_and_the_same_twice(classifier: Classifier, images: Images, schedule: MakeSchedule) -> None:
    val = images.rows("val")
    first = classifier()
    before, _ = ONE_CLASS.judge(scorer(first, CONTRACT)(images.pixels, val), images.label_ids[val])
    history = tune(first, images, schedule(6))
    after, loss = ONE_CLASS.judge(scorer(first, CONTRACT)(images.pixels, val), images.label_ids[val])
    assert after >= max(0.8, before + 0.2), "three colours, 60 images, chance is a third"
    assert history.best is not None
    assert (after, loss) == pytest.approx((history.best.val_accuracy, history.best.val_loss)), "it ends with the best epoch's weights"
    schedule(6).checkpoint.unlink()
    second = classifier()
    tune(second, images, schedule(6))
    assert same_weights(first, second), "same seed, same machine, same result: to the bit"


def test_a_killed_run_goes_on_to_the_same_weights(
    classifier: Classifier, images: Images, schedule: MakeSchedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    epochs: list[int] = []

    def killed(images: Images, batching: Batching, epoch: int, share: Share) -> Any:
        epochs.append(epoch)
        if epochs == [0, 1, 2]:
            raise KeyboardInterrupt
        return epoch_batches(images, batching, epoch, share)

    straight = classifier()
    expected = tune(straight, images, schedule(4))
    schedule(4).checkpoint.unlink()
    monkeypatch.setattr(finetune, "epoch_batches", killed)
    with pytest.raises(KeyboardInterrupt):
        tune(classifier(), images, schedule(4))
    resumed = classifier(seed=77)  # whatever a new process begins with, the checkpoint holds all that counts
    history = tune(resumed, images, schedule(4))
    assert epochs == [0, 1, 2, 2, 3]
    assert [e.val_loss for e in history.epochs] == pytest.approx([e.val_loss for e in expected.epochs], rel=1e-6)
    assert history.best_epoch == expected.best_epoch
    for a, b in zip(straight.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("live", [False, True])
def test_norms_learn_their_statistics_only_when_live(live: bool, classifier: Classifier, images: Images, schedule: MakeSchedule) -> None:
    model = classifier()
    norm = model.get_layer("stem_norm")
    before = norm.moving_mean.numpy()
    tune(model, images, schedule(1), replace(SETTINGS, live_norms=live), NO_AUGMENTATION)
    assert (norm.moving_mean.numpy() != before).any() == live
    assert (norm.gamma.numpy() != 1).any(), "their scale is learned either way"


def test_only_the_layers_from_the_named_one_on_learn(classifier: Classifier, images: Images, schedule: MakeSchedule) -> None:
    model = classifier()
    before = {layer.name: layer.get_weights() for layer in model.layers}
    tune(model, images, schedule(1), replace(SETTINGS, unfreeze="last", live_norms=False))
    for layer in model.layers:
        if layer.get_weights():
            changed = any((a != b).any() for a, b in zip(before[layer.name], layer.get_weights(), strict=True))
            assert changed == (layer.name in ("last", "last_norm", "logits")), layer.name


def test_l2_is_part_of_the_loss(classifier: Classifier, images: Images, schedule: MakeSchedule) -> None:
    losses = []
    for l2 in (0.0, 1.0):
        history = tune(classifier(), images, schedule(1), replace(SETTINGS, l2=l2, learning_rate=1e-9), NO_AUGMENTATION)
        losses.append(history.epochs[0].loss)
        schedule(1).checkpoint.unlink()
    assert losses[1] - losses[0] == pytest.approx(float(decay(classifier(), 1.0)), rel=1e-3)


def changed_layers(classifier: Classifier, images: Images, schedule: Schedule, settings: FineTuneSettings) -> dict[str, float]:
    """Layer with weights to the largest change of one of its weights in a training."""
    model = classifier()
    before = {layer.name: layer.get_weights() for layer in model.layers if layer.get_weights()}
    tune(model, images, schedule, settings, NO_AUGMENTATION)
    schedule.checkpoint.unlink()
    moved = {name: zip(old, model.get_layer(name).get_weights(), strict=True) for name, old in before.items()}
    return {name: max(float(np.abs(a - b).max()) for a, b in pairs) for name, pairs in moved.items()}


def test_the_rate_falls_with_depth(classifier: Classifier, images: Images, schedule: MakeSchedule) -> None:
    same = replace(SETTINGS, live_norms=False)
    moved = changed_layers(classifier, images, schedule(1), replace(same, depth_factor=0.01))
    even = changed_layers(classifier, images, schedule(1), same)
    assert moved["logits"] == pytest.approx(even["logits"], rel=0.3)
    assert moved["last"] < 0.03 * even["last"]
    assert moved["stem"] < 1e-3 * even["stem"]


def test_blocks_wait_for_those_above(classifier: Classifier, images: Images, schedule: MakeSchedule) -> None:
    settings = replace(SETTINGS, live_norms=False, unfreeze_epochs=1.0)
    for epochs, learned in ((1, {"logits"}), (2, {"logits", "last", "last_norm"})):
        moved = changed_layers(classifier, images, schedule(epochs), settings)
        assert {name for name, change in moved.items() if change > 0} <= learned, "the best epoch is kept: maybe an earlier one"
    settings = replace(settings, unfreeze_epochs=0.25)  # of 8 steps: the third block from the head begins at the sixth
    assert min(changed_layers(classifier, images, schedule(1), settings).values()) > 0


def test_class_weights_are_inverse_to_the_sizes_with_mean_1() -> None:
    labels = np.repeat([0, 1, 2], [10, 20, 70])
    weights = class_weights(labels, 3, balance_above=1.5)
    assert weights.dtype == np.float32
    assert weights[labels].mean() == pytest.approx(1, abs=1e-6), "the learning rate means the same with and without them"
    np.testing.assert_allclose(weights * [10, 20, 70], 100 / 3, rtol=1e-6)  # every class counts the same in all
    assert class_weights(labels, 4, balance_above=1.5).tolist() == [*weights, 1], "a class without images does not count"


@pytest.mark.parametrize(("largest", "used"), [(14, False), (15, False), (16, True)])
def test_class_weights_begin_above_the_threshold(largest: int, used: bool) -> None:
    weights = class_weights(np.repeat([0, 1], [10, largest]), 2, balance_above=1.5)
    assert (weights != 1).any() == used


def test_several_steps_at_once_are_the_same_steps(classifier: Classifier, images: Images, schedule: MakeSchedule) -> None:
    plain, fast = classifier(), classifier()
    expected = tune(plain, images, schedule(2))
    schedule(2).checkpoint.unlink()
    history = tune(fast, images, schedule(2), replace(SETTINGS, steps_per_execution=3))
    for key in ("loss", "accuracy", "val_loss"):
        figures = [[getattr(epoch, key) for epoch in one.epochs] for one in (history, expected)]
        assert figures[0] == pytest.approx(figures[1], rel=1e-4)


def test_compiled_it_learns_too(classifier: Classifier, images: Images, schedule: MakeSchedule) -> None:
    """Not the same: XLA draws other random numbers for the same seed. Batches of one size, since it compiles each size anew."""
    settings = replace(SETTINGS, jit=True, batch_size=10)
    assert len(images.rows("train")) % settings.batch_size == 0
    assert best_accuracy(tune(classifier(), images, schedule(6, steps=6), settings)) >= 0.8


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_learns_too(classifier: Classifier, images: Images, schedule: MakeSchedule, precision: str) -> None:
    model = in_precision(classifier(), precision)
    assert best_accuracy(tune(model, images, schedule(6))) >= 0.8
    assert {variable.dtype for variable in model.variables} == {tf.float32}, "what is kept has full precision"
    assert model.get_layer("logits").compute_dtype == precision.removeprefix("mixed_")


def test_too_large_a_batch_names_one_that_fits(
    classifier: Classifier, images: Images, schedule: MakeSchedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(model: Any, examples: Any, size: int) -> None:
        if size > 3:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM")

    def steps(dataset: Any) -> Any:
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    monkeypatch.setattr(finetune, "_gradients", exhausted)
    monkeypatch.setattr(Step, "on", lambda *_: steps)
    with pytest.raises(RunError, match="--batch-size 2 fits"):
        tune(classifier(), images, schedule(1))
    monkeypatch.undo()
    finetune._gradients(classifier(), AugmentedExamples(images, CONTRACT, EVEN, lambda: images, NO_AUGMENTATION), 4)
