"""Pruning and clustering: as many zeros, as few values as asked for; a kill, and quantization-aware training, change neither."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from edgetl.keras import keras, layers, set_seed, tf

import numpy as np
import pytest

from edgetl.data.base import Images
from edgetl.data.examples import AugmentedExamples, Batching, Share, epoch_batches
from edgetl.errors import UsageError
from edgetl.files import zipped_bytes
from edgetl.training import finetune
from edgetl.training.compress import (
    CompressSettings,
    Kept,
    Pruning,
    clustered,
    codebook,
    compress,
    compressible,
    compression_of,
    kept,
)
from edgetl.training.finetune import FineTuneSettings
from edgetl.training.fold import fold_batch_norms
from edgetl.training.history import History
from edgetl.training.schedule import Schedule
from tests.training.conftest import CONTRACT, NO_AUGMENTATION, small_backbone

MakeSchedule = Callable[..., Schedule]
TUNING = FineTuneSettings(
    batch_size=8, learning_rate=0.01, warmup_fraction=0.1, unfreeze="all", dropout=0.0, label_smoothing=0.0, live_norms=False, seed=5
)
PRUNE = CompressSettings(sparsity=0.6, clusters=0, pruning=TUNING, clustering=TUNING)
CLUSTER = replace(PRUNE, sparsity=0.0, clusters=8)
BOTH = replace(PRUNE, clusters=8)
EVEN = np.ones(3, np.float32)


@pytest.fixture(scope="module")
def classifier() -> Callable[..., Any]:
    """A folded classifier whose channels differ in size by up to a thousand, as folded batch norms leave them."""

    def _classifier(seed: int = 1) -> Any:
        from edgetl.training.head import attach_head

        set_seed(seed)
        model = fold_batch_norms(attach_head(small_backbone(), 3))
        for layer in (model.get_layer("stem"), model.get_layer("last")):
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel * np.logspace(-2, 1, kernel.shape[-1], dtype=np.float32), bias])
        return model

    return _classifier


def apply(settings: CompressSettings, model: Any, images: Images, schedule: Schedule) -> tuple[History, History]:
    return compress(model, AugmentedExamples(images, CONTRACT, EVEN, lambda: images, NO_AUGMENTATION), settings, schedule)


def in_limits(kernel: np.ndarray) -> np.ndarray:
    """In units of each channel's largest magnitude, on int8's grid: what the file holds."""
    codes: np.ndarray = np.rint(kernel * 127 / np.abs(kernel).max(tuple(range(kernel.ndim - 1))))
    return codes


def test_pointwise_and_regular_kernels_are_compressed_and_depthwise_ones_are_not(classifier: Callable[..., Any]) -> None:
    assert [layer.name for layer in compressible(classifier())] == ["stem", "block_project", "last", "logits"]


@pytest.mark.parametrize("epochs", [1, 3])
def test_every_kernel_has_its_zeros_after_any_epoch(
    epochs: int, classifier: Callable[..., Any], images: Images, schedule: MakeSchedule
) -> None:
    model = classifier()
    pruning, clustering = apply(PRUNE, model, images, schedule(epochs))
    assert (len(pruning.epochs), len(clustering.epochs)) == (epochs, 0)
    for layer in compressible(model):
        kernel = layer.kernel.numpy()
        assert abs((kernel == 0).sum() - 0.6 * kernel.size) <= 1, layer.name
        assert (np.abs(kernel).max(tuple(range(kernel.ndim - 1))) > 0).all(), "no channel is lost for being small"
    assert (model.get_layer("block_depthwise").get_weights()[0] != 0).all()
    assert compression_of(model).zero_fraction == pytest.approx(0.6, abs=0.01)
    assert compression_of(model).clusters is None


def test_zeros_grow_fast_at_first(classifier: Callable[..., Any]) -> None:
    model = classifier()
    kernel = model.get_layer("last").kernel
    pruning, shares = Pruning([kernel], 0.6, 40), []
    for _ in range(50):
        pruning()
        shares.append(float(np.mean(kernel.numpy() == 0)))
        kernel.assign_add(tf.fill(kernel.shape, 1e-3))  # an optimizer's step, which masks must outlast
    assert np.allclose([shares[7], shares[15]], [0.6 * (1 - 0.8**3), 0.6 * (1 - 0.6**3)], atol=1 / kernel.numpy().size)
    assert (np.diff(shares) >= 0).all()
    assert shares[39:] == [round(0.6 * 72) / 72] * 11


@pytest.mark.parametrize("sparse", [False, True])
def test_no_kernel_has_more_values_than_clusters(
    sparse: bool,
    straight: tuple[Any, tuple[History, History]],
    classifier: Callable[..., Any],
    images: Images,
    schedule: MakeSchedule,
) -> None:
    if sparse:
        model, (pruning, clustering) = straight
    else:
        model = classifier()
        pruning, clustering = apply(CLUSTER, model, images, schedule(1))
    assert (bool(pruning.epochs), bool(clustering.epochs)) == (sparse, True)
    clusters = compression_of(model).clusters
    assert clusters is not None
    assert clusters <= 8
    for layer in compressible(model):
        kernel = layer.kernel.numpy()
        assert len(np.unique(in_limits(kernel))) <= 8, "as many int8 values, whatever the channels' scales"
        if sparse:
            assert abs((kernel == 0).sum() - 0.6 * kernel.size) <= 1, layer.name


def test_clusters_are_kept_as_they_were_where_training_only_harms(
    classifier: Callable[..., Any], images: Images, schedule: MakeSchedule
) -> None:
    model, untrained = classifier(), classifier()
    settings = replace(CLUSTER, clustering=replace(TUNING, learning_rate=1e3))
    _, clustering = apply(settings, model, images, schedule(1))
    assert clustering.best_epoch == 0
    for layer, before in zip(compressible(model), compressible(untrained), strict=True):
        assert np.array_equal(layer.kernel.numpy(), clustered(before.kernel.numpy(), settings.clusters))


@pytest.fixture(scope="module")
def straight(
    classifier: Callable[..., Any], images: Images, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Any, tuple[History, History]]:
    """Return a model that was pruned and clustered in two epochs each without a kill, and the histories."""
    model, checkpoint = classifier(), tmp_path_factory.mktemp("straight") / "checkpoint.npz"
    schedule = Schedule(name="training", epochs=2, steps_per_epoch=8, patience=99, checkpoint=checkpoint, identity="these inputs")
    return model, apply(BOTH, model, images, schedule)


@pytest.mark.parametrize("killed_in", [1, 3])  # while pruning, while clustering
def test_a_killed_compression_goes_on_to_the_same_weights(
    killed_in: int,
    straight: tuple[Any, tuple[History, History]],
    classifier: Callable[..., Any],
    images: Images,
    schedule: MakeSchedule,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[int] = []

    def killed(images: Images, batching: Batching, epoch: int, share: Share) -> Any:
        seen.append(epoch)
        if len(seen) == killed_in + 1:
            raise KeyboardInterrupt
        return epoch_batches(images, batching, epoch, share)

    monkeypatch.setattr(finetune, "epoch_batches", killed)
    with pytest.raises(KeyboardInterrupt):
        apply(BOTH, classifier(), images, schedule(2))
    resumed = classifier()
    histories = apply(BOTH, resumed, images, schedule(2))
    assert seen == ([0, 1, 1, 0, 1] if killed_in == 1 else [0, 1, 0, 1, 1])
    model, expected = straight
    for history, again in zip(expected, histories, strict=True):
        assert [e.val_loss for e in again.epochs] == pytest.approx([e.val_loss for e in history.epochs], rel=1e-5)
    for a, b in zip(model.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a == 0, b == 0)
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def quantize_wrapped(model: Any) -> Any:
    """Stands in for quantization-aware training's student: the same kernels under the library's names."""

    def get_layer(name: str) -> Any:
        layer = model.get_layer(name.removeprefix("quant_"))
        variables = [tf.Variable(weight, name=f"quantize_annotate/{weight.name.split('/')[-1].split(':')[0]}") for weight in layer.weights]
        return learning.setdefault(name, SimpleNamespace(weights=variables))

    learning: dict[str, Any] = {}
    return SimpleNamespace(get_layer=get_layer, learning=learning)


@pytest.mark.parametrize("kinds", ["zeros", "clusters", "both"])
def test_training_steps_keep_zeros_and_clusters(kinds: str, classifier: Callable[..., Any]) -> None:
    model, random = classifier(), np.random.default_rng(0)
    for layer in compressible(model):
        kernel = layer.kernel.numpy()
        if kinds != "clusters":
            kernel *= np.abs(kernel) > np.median(np.abs(kernel), tuple(range(kernel.ndim - 1)))
        layer.kernel.assign(clustered(kernel, 8) if kinds != "zeros" else kernel)
    student = quantize_wrapped(model)
    keep, optimizer = kept(model, student), keras.optimizers.Adam(1e-3)
    variables = [student.get_layer(f"quant_{layer.name}").weights[0] for layer in compressible(model)]

    @tf.function
    def step(gradients: Any) -> None:
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        keep()

    optimizer.build(variables)
    for _ in range(20):
        step([tf.constant(random.normal(size=variable.shape), tf.float32) for variable in variables])
    for layer, variable in zip(compressible(model), variables, strict=True):
        old, new = layer.kernel.numpy(), variable.numpy()
        assert not np.allclose(old, new, atol=1e-5), "it learns"
        assert (new[old == 0] == 0).all()
        if kinds != "zeros":
            assert len(np.unique(in_limits(new))) <= 8
            assert len(codebook(new)[0]) <= 8  # type: ignore[index]


def test_the_library_wraps_kernels_under_the_names_that_are_looked_for(classifier: Callable[..., Any]) -> None:
    import tensorflow_model_optimization as tfmot

    model = classifier()
    layer = model.get_layer("stem")
    layer.kernel.assign(layer.kernel * np.eye(3, dtype=np.float32)[:, :, None, None])
    tfq = tfmot.quantization.keras
    student = tfq.quantize_apply(
        keras.models.clone_model(
            model, clone_function=lambda layer: layer if isinstance(layer, layers.InputLayer) else tfq.quantize_annotate_layer(layer)
        )
    )
    kernel = next(weight for weight in student.get_layer("quant_stem").weights if weight.name.endswith("/kernel:0"))
    kernel.assign(tf.ones_like(kernel))
    kept(model, student)()
    np.testing.assert_array_equal(kernel.numpy() != 0, layer.kernel.numpy() != 0)


def test_an_uncompressed_model_has_nothing_to_keep(classifier: Callable[..., Any]) -> None:
    model = classifier()
    student = quantize_wrapped(model)
    keep = kept(model, student)
    before = {name: [weight.numpy() for weight in wrapper.weights] for name, wrapper in student.learning.items()}
    keep()
    assert len(before) == 4
    for name, weights in before.items():
        for old, variable in zip(weights, student.learning[name].weights, strict=True):
            np.testing.assert_array_equal(old, variable.numpy())


def test_asked_for_nothing_it_does_nothing(classifier: Callable[..., Any], images: Images, schedule: MakeSchedule) -> None:
    model = classifier()
    before = model.get_weights()
    assert apply(replace(BOTH, sparsity=0.0, clusters=0), model, images, schedule(1)) == (History(), History())
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_dead_channel_costs_no_value_more() -> None:
    kernel = np.random.default_rng(0).normal(size=(1, 1, 40, 4)).astype(np.float32) * np.array([1, 1e-9, 0, 10], np.float32)
    made = clustered(kernel, 8)
    assert (made[..., 1:3] == 0).all()
    variable = tf.Variable(made)
    Kept([(variable, made)])()
    assert len((codebook(variable.numpy()) or ((),))[0]) == len((codebook(made) or ((),))[0]) == 8


def test_clusters_are_the_k_means() -> None:
    """Four heaps in each channel, whatever the channel's scale; each becomes its mean, and the largest stays."""
    random = np.random.default_rng(0)
    heaps = np.repeat([-1.0, -0.4, 0.1, 0.7], 25)[:, None] + random.uniform(-0.01, 0.01, (100, 2))
    heaps[0] = -1.01  # each channel's limit
    made = clustered((heaps * [1, 1000]).astype(np.float32), 5) / [1, 1000]
    assert np.abs(made - heaps).max() < 0.02
    assert made.min() == pytest.approx(-1.01)
    assert len(np.unique(made.round(5))) == 4
    assert codebook(heaps) is None
    book = codebook(made)
    assert book is not None
    np.testing.assert_allclose(book[0][book[1]] * 1.01, made, atol=1e-5)


@pytest.mark.parametrize("wrong", [{"sparsity": 1.0}, {"sparsity": -0.1}, {"clusters": 3}, {"clusters": 256}, {"clusters": -1}])
def test_impossible_wishes_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="out of range"):
        replace(BOTH, **wrong)


def test_zipping_finds_zeros_and_clusters() -> None:
    random = np.random.default_rng(0).integers(-128, 128, 10_000).astype(np.int8)
    sparse, few = random * (random > 0), random // 32
    assert zipped_bytes(sparse.tobytes()) < 0.7 * zipped_bytes(random.tobytes())
    assert zipped_bytes(few.tobytes()) < 0.5 * zipped_bytes(random.tobytes())
