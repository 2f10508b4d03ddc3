"""A divergence is found where it starts, in files of every kind of layer."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetl.contract import Contract
from edgetl.explanation.drift import drift, tensors_of
from edgetl.explanation.inner import InnerTensors
from edgetl.quantization.quantized import Quantized, bake, ranged_layers
from edgetl.quantization.results import Drift
from edgetl.quantization.selective import keep_float
from edgetl.runtimes import open_session
from tests.export.conftest import Network, network, scenes  # noqa: F401  a fixture
from tests.training.conftest import CONTRACT, small_backbone

IMAGES = 24


@dataclass(frozen=True, eq=False)
class Case:
    model: Any
    quantized: Quantized
    contract: Contract
    pixels: np.ndarray

    @cached_property
    def file(self) -> bytes:
        """The int8 TFLite file, made once."""
        return self.file_of(self.quantized)

    def file_of(self, quantized: Quantized) -> bytes:
        from edgetl.export.tflite_writer import int8_tflite

        return int8_tflite(quantized.to_keras(self.model, self.contract), self.contract)

    def drift(self, content: bytes | None = None) -> dict[str, Drift]:
        found = drift(self.model, content or self.file, self.contract, self.pixels, np.arange(IMAGES))
        return {one.operator: one for one in found}


def calibrated(model: Any, contract: Contract, pixels: np.ndarray) -> Case:
    from edgetl.keras import keras

    names = ranged_layers(model)
    ends = keras.Model(model.input, [model.get_layer(name).output for name in names])
    seen = ends(contract.normalize(pixels[:IMAGES].astype(np.float32)), training=False)
    ranges = {name: (min(0.0, float(output.numpy().min())), float(output.numpy().max())) for name, output in zip(names, seen, strict=True)}
    weights = {layer.name: layer.get_weights() for layer in model.layers if layer.weights}
    return Case(model, bake(model, weights, ranges, contract), contract, pixels)


def gated_backbone() -> Any:
    """What MobileNetV3 has besides: hard-swishes, and a squeeze-and-excite block whose gate multiplies."""
    from edgetl.keras import keras, layers

    from edgetl.backbones.hard_sigmoid import HardSigmoid, hard_swish

    image = keras.Input((32, 32, 3))
    x = hard_swish(layers.Conv2D(8, 3, 2, "same", name="stem")(image), "stem_swish")
    y = layers.ReLU(name="depthwise_relu")(layers.DepthwiseConv2D(3, 1, "same", name="depthwise")(x))
    squeezed = layers.ReLU(name="squeeze_relu")(layers.Conv2D(4, 1, name="squeeze")(layers.GlobalAveragePooling2D(keepdims=True)(y)))
    y = layers.Multiply(name="excited")([y, HardSigmoid(name="gate")(layers.Conv2D(8, 1, name="excite")(squeezed))])
    x = layers.Add(name="add")([layers.Conv2D(8, 1, name="shortcut")(x), layers.Conv2D(8, 1, name="project")(y)])
    return keras.Model(image, hard_swish(layers.Conv2D(16, 1, name="last")(x), "last_swish"), name="gated")


@pytest.fixture(scope="module")
def cases(network: Callable[[str], Network]) -> dict[str, Case]:  # noqa: F811
    from edgetl.keras import set_seed

    from edgetl.training.fold import fold_batch_norms
    from edgetl.training.head import attach_head

    set_seed(4)
    made = {name: attach_head(fold_batch_norms(backbone()), 3) for name, backbone in (("small", small_backbone), ("gated", gated_backbone))}
    found = {name: calibrated(model, CONTRACT, scenes(IMAGES)) for name, model in made.items()}
    real = network("mobilenet_v2")
    return found | {"mobilenet_v2": calibrated(real.model, real.contract, real.pixels)}


@pytest.fixture(scope="module")
def whole(cases: dict[str, Case]) -> dict[str, dict[str, Drift]]:
    return {name: case.drift() for name, case in cases.items()}


@pytest.mark.parametrize("name", ["small", "gated", "mobilenet_v2"])
def test_every_operator_is_found_and_near(cases: dict[str, Case], whole: dict[str, dict[str, Drift]], name: str) -> None:
    """A gate taken at the height that it has in the file would leave -14 dB, a product of two -31."""
    case, found = cases[name], whole[name]
    assert list(found) == ranged_layers(case.model)
    floor_db = 5 if name == "mobilenet_v2" else 25  # 64 operators with random weights, each of which loses a little
    assert all(one.signal_to_noise_db is None or one.signal_to_noise_db > floor_db for one in found.values()), found
    heights = {layer: found[layer].step / ((high - low) / 255) for layer, (low, high) in case.quantized.ranges.items()}
    assert {round(height, 2) for height in heights.values()} == ({1, 6} if name == "gated" else {1})


DAMAGED = {
    "small": ["stem_relu", "block_relu", "block_project", "block_add", "last_relu", "pool", "logits"],
    "gated": ["stem_swish_gate", "stem_swish", "gate", "excited"],
    "mobilenet_v2": ["block_1_depthwise_relu", "block_2_add"],
}


@pytest.mark.parametrize(("name", "layer"), [(name, layer) for name, layers in DAMAGED.items() for layer in layers])
def test_the_damaged_operator_is_where_it_starts(cases: dict[str, Case], whole: dict[str, dict[str, Drift]], name: str, layer: str) -> None:
    case = cases[name]
    low, high = case.quantized.ranges[layer]
    damaged = replace(case.quantized, ranges=case.quantized.ranges | {layer: (low * 60, high * 60)})  # four steps hold all its values
    found = case.drift(case.file_of(damaged))
    assert max(found.values(), key=lambda one: one.lost_db).operator == layer
    assert found[layer].lost_db > whole[name][layer].lost_db + 15
    before = list(found)[: list(found).index(layer)]
    assert [found[one] for one in before] == [whole[name][one] for one in before], "what does not read it is as it was"


def test_operators_left_in_float_are_told_too(cases: dict[str, Case]) -> None:
    case = cases["small"]
    for names in (["block_project"], ["stem_relu", "block_relu"], ["logits"]):
        kept = keep_float(case.quantized, case.model, names, take_weights=True)
        found = case.drift(case.file_of(kept))
        assert list(found) == list(case.quantized.ranges)
        assert {name for name, one in found.items() if one.step == 0} == set(names)
        assert all(one.signal_to_noise_db is None or one.signal_to_noise_db > 20 for one in found.values())


def test_a_layer_without_a_tensor_is_said(cases: dict[str, Case], caplog: pytest.LogCaptureFixture) -> None:
    case = cases["small"]
    content = case.file.replace(b"/block_project/", b"/block_nothing/")  # names of equal length: the file stays whole
    found = case.drift(content)
    assert "block_project" not in found
    assert "no tensor of block_project" in " ".join(caplog.text.split())
    assert found["block_add"].lost_db == pytest.approx(found["block_relu"].signal_to_noise_db - found["block_add"].signal_to_noise_db)  # type: ignore[operator]


def test_reading_inner_tensors_changes_no_answer(cases: dict[str, Case], tmp_path: Path) -> None:
    """With LiteRT's way to keep all tensors, other kernels compute: to compare those would say nothing of the file that ships."""
    for name, case in cases.items():
        (tmp_path / "model.tflite").write_bytes(case.file)
        session = open_session(tmp_path / "model.tflite", case.contract)
        expected = session(case.pixels[:IMAGES])
        logits = tensors_of(case.file, ["logits"])["logits"]
        opened = InnerTensors(case.file, [*tensors_of(case.file, ranged_layers(case.model)).values()])
        for image, wanted in zip(case.pixels[:IMAGES], expected, strict=True):
            values = list(opened(image))[opened._tensors.index(logits)].ravel()
            powers = np.exp(values - values.max())
            np.testing.assert_allclose(powers / powers.sum(), wanted, atol=1 / 256, err_msg=name)
