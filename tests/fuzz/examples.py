"""Small good files of every kind, from which the fuzzers start."""

import io
import json
import pickle
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.ship.conftest import CONTENTS, manifest_of

_SOFTWARE = {"edgetl": "0.1.0", "tensorflow": "2.21.0"}
_ACCURACY = {"top1_accuracy": 0.9, "top1_interval_95": [0.8, 0.95], "top5_accuracy": 1.0, "macro_f1": 0.9, "loss": 0.3}


def _encoded(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    file = io.BytesIO()
    pixels = np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)
    Image.fromarray(pixels).convert(mode).save(file, kind, **options)
    return file.getvalue()


@cache
def png() -> bytes:
    return _encoded("PNG")


@cache
def images() -> list[bytes]:
    exif = Image.Exif()
    exif[0x0112] = 6
    kinds = [_encoded(kind) for kind in ("JPEG", "PNG", "BMP", "GIF", "WEBP", "AVIF")]
    others = [_encoded("PNG", "P"), _encoded("PNG", "LA"), _encoded("JPEG", "CMYK", progressive=True), _encoded("JPEG", exif=exif)]
    return [*kinds, *others, _encoded("PNG", "1"), _encoded("JPEG")[:-2], _encoded("JPEG", progressive=True)[:-1]]


@cache
def tiffs() -> list[bytes]:
    """Of 8 and 16 bits, in print's colours, packed in every usual way, and of two pages."""
    file = io.BytesIO()
    Image.fromarray(np.arange(256, dtype=np.uint16).reshape(16, 16) * 257).save(file, "TIFF")
    ways = [_encoded("TIFF", compression=way) for way in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")]
    kinds = [_encoded("TIFF", mode) for mode in ("L", "1", "P", "RGBA", "CMYK", "F")]
    return [file.getvalue(), *ways, *kinds, _encoded("TIFF", save_all=True, append_images=[Image.new("L", (9, 9))])]


@cache
def heics() -> list[bytes]:
    """One; where pillow-heif is not installed a PNG, so that there is one that is read."""
    try:
        from pillow_heif import from_pillow
    except ImportError:
        return [png()]
    file = io.BytesIO()
    from_pillow(Image.new("RGB", (16, 16), "red")).save(file, format="HEIF")
    return [file.getvalue()]


@cache
def indexes() -> list[bytes]:
    """`name|content`, each to the next of two classes in turn; `->` makes a link."""
    good = b"\n//".join(b"%d.png|" % number + png()[:-1] + bytes([number]) for number in range(6))
    odd = b"\x1b[2J.png|" + png() + b"\n//link.png|->/etc/passwd\n//\xff\xfe.jpg|x\n//loop|->.\n//a\nb.png|" + png()
    return [good, odd, good + b"\n//" + odd]


def recipes() -> list[bytes]:
    from edgetl.recipe import resource

    return [resource("defaults.toml").encode(), resource("quickstart.toml").encode(), b'[train]\nepochs = 1\n[data]\nsource = "x"\n']


@cache
def manifest() -> bytes:
    return manifest_of(CONTENTS)


@cache
def bundles() -> list[bytes]:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in {"manifest.json": manifest(), **CONTENTS}.items():
            archive.writestr(name, content)
    return [file.getvalue()]


@cache
def golden() -> bytes:
    document = {
        "schema_version": 1,
        "shape": [32, 2, 2, 3],
        "true_class_names": ["a"] * 32,
        "predictions": {"model_int8.tflite": [[0.75, 0.25]] * 32},
        "top1_class_names": {"model_int8.tflite": ["a"] * 32},
        "tolerance": {"max_steps": 24.0, "mean_steps": 4.0, "step": 1 / 256},
        "mosaic": {"columns": 5, "height": 4, "max_steps": 1},
    }
    return json.dumps(document).encode()


@cache
def record() -> bytes:
    """run.json of a finished run, with every kind of outcome."""
    from edgetl import float_record as fl
    from edgetl import int8_record as i8
    from edgetl import run_record as r
    from edgetl.recipe import load

    recipe = load()
    training = r.Training((r.Epoch(0.5, 0.8, 0.9, 0.4, 1.0), r.Epoch(0.5, 0.8, 0.9, 0.4, 1.0)), 1)
    candidate = i8.Int8Candidate("ptq_int8", 0.9, (0.8, 0.95), 0.4, 0.1, 1, 2, 1.0, 5, ("conv",))
    temperature = r.ScaledTemperature(1.5, 30, 0.05, 0.02, 0.4, 0.3)
    side = r.BaselineSide(0.9, (0.8, 0.95), 0.4, r.TrainingBudget(1, 2, 1e-3, 9.5))
    quantized = r.QuantizedFacts(
        float_inputs="x",
        calibration=r.CalibrationImages(3, "0"),
        ranges=r.RangeMethod("mse", {"mse": 0.001}),
        distance=i8.Distance(3, 0.001, 0.1),
    )
    choice = i8.Int8Choice(i8.Int8Request(("conv",), 1.0), (candidate,), candidate, "best", within_budget=True)
    facts: dict[str, r.StageFacts] = {
        "data": r.DataFacts(fingerprint="0", counts={"train": 5, "val": 3}, class_names=("a", "b"), rejected=0, excluded=1),
        "unfreeze": fl.UnfreezeFacts(trials=(fl.Trial("all", 1e-3, 0.5, 0.8),)),
        "float": r.FloatFacts(
            **{"device": "CPU", "replicas": 1, "precision": "float32", "class_weights": (1.0, 1.0)},
            **{"head": training, "fine_tuning": training, "temperature": temperature},
        ),
        "compress": r.CompressFacts(pruning=training, clustering=training, achieved=r.Compression(9, 0.5, {"conv": 0.5}, 16)),
        "ptq_int8": quantized,
        "qat_int8": quantized.model_copy(update={"training": training}),
        "export_int8": r.ExportFacts(formats=("tflite",), about=recipe.about, choice=choice),
        "validate": r.ValidateFacts(passed=True, files={"export/model_int8.tflite": "0"}),
        "baseline_scratch": r.BaselineFacts(
            **{"baseline": "scratch", "images": 3, "run": side, "other": side, "gain_points": 0.0, "only_run": 1, "only_baseline": 1},
            **{"mcnemar_p": 1.0, "shown": False, "verdict": "no difference is shown"},
        ),
    }
    when = "2026-01-01T00:00:00+00:00"
    stages = {
        name: r.Stage(inputs="x", edgetl="1", finished=when, seconds=1.5, files={"run.json": "0"}, facts=one) for name, one in facts.items()
    }
    return json.dumps(r.RunRecord(created=when, recipe=recipe, software=_SOFTWARE, stages=stages).to_json()).encode()


@cache
def validation() -> bytes:
    worst = {"name": "a/1.png", "label_id": 0, "first_top1": 0, "first_probability": 0.6, "second_top1": 1, "second_probability": 0.7}
    closeness = {"top1_agreement": 1.0, "disagreements": 0, "mean_steps": 0.1, "max_steps": 2.0, "mean_abs_dp": 0.01, "kl": 0.001}
    bounds = {"min_top1_agreement": 0.95, "max_mean_abs_dp": 0.1, "max_drop_points": 0.7, "reason": "8 bits"}
    pair = {
        "tolerance": {"first": "keras_float", "second": "tflite_int8"} | bounds,
        "agreement": {"images": 5, "worst": [0]} | closeness,
        "paired": {"drop_points": 0.0, "only_a": 0, "only_b": 0, "mcnemar_p": 1.0},
        "failures": [],
        "worst": [worst],
    }
    measured = {"accuracy": _ACCURACY | {"images": 5}, "faults": [], "size_bytes": 5, "latency_ms": {"p50": 1.0, "p90": 2.0}}
    subjects = {
        "keras_float": {"file": "float.keras", "runtime": "keras", "precision": "float32"} | measured,
        "tflite_int8": {"file": "export/model_int8.tflite", "runtime": "litert", "precision": "int8"} | measured,
    }
    document = {
        **{"schema_version": 1, "passed": True, "failures": [], "images": 5, "class_names": ["a", "b"], "main": "tflite_int8"},
        **{"subjects": subjects, "pairs": [pair], "unverified": {"x": "why"}, "software": _SOFTWARE},
        "latency": {"warmup_runs": 1, "timed_runs": 2, "threads": "1", "batch": 1},
        "cpu": {"model": "c", "architecture": "x86_64", "cores": 2, "features": {"avx2": True}, "source": "numpy"},
    }
    return json.dumps(document).encode()


@cache
def benchmark() -> bytes:
    from tests.benchmarking.test_gate import measured

    return json.dumps(measured(m=1.0, n=None).to_json()).encode()


def tuning_record() -> bytes:
    """A search of one trial, which is the best."""
    from edgetl.recipe import load
    from edgetl.tuning_record import TuningRecord, TuningTrial

    network = {"backbone": "mobilenet_v1", "alpha": 0.25, "image_size": 32, "epochs": 1, "learning_rate": 1e-3}
    figures = {
        "latency_ms": 0.5,
        "arena_bytes": 4096,
        "flash_bytes": 1000,
        "top1_accuracy": 0.9,
        "top1_interval_95": (0.8, 0.95),
        "size_bytes": 1000,
        "front": True,
    }
    best = TuningTrial.model_validate({"run": "x", **network, **figures})
    return json.dumps(TuningRecord(device="local", budget_ms=5.0, recipe=load(), best=best, trials=(best,)).to_json()).encode()


@cache
def tflites() -> list[bytes]:
    from tests.devices.tiny_model import _files

    return list(_files().values())


@cache
def onnxs() -> list[bytes]:
    """A convolution and a mean on 8 px images, float32 in and out."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    kernel = np.linspace(-0.01, 0.01, 2 * 3, dtype=np.float32).reshape(2, 3, 1, 1)
    nodes = [
        helper.make_node("Transpose", ["image"], ["x"], "turn", perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["x", "kernel"], ["y"], "model/conv/Conv2D"),
        helper.make_node("ReduceMean", ["y"], ["z"], "mean", axes=[2, 3], keepdims=0),
        helper.make_node("Softmax", ["z"], ["probabilities"], "softmax"),
    ]
    takes = [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 8, 8, 3])]
    gives = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, 2])]
    graph = helper.make_graph(nodes, "g", takes, gives, [numpy_helper.from_array(kernel, "kernel")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return [model.SerializeToString()]


@cache
def torch_weights() -> list[bytes]:
    """The frame of PyTorch's old format around no tensors at all."""
    parts = (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, {}, [])
    return [b"".join(pickle.dumps(part, protocol=2) for part in parts)]


@cache
def quantized() -> list[bytes]:
    file = io.BytesIO()
    arrays = {"weights/conv/0": np.ones((2, 3), np.float32), "weights/conv/1": np.zeros(3, np.float32), "range/conv": np.array([0.0, 6.0])}
    np.savez(file, **arrays)  # type: ignore[arg-type]
    return [file.getvalue()]


@cache
def keras_weights() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        network().save_weights(f"{folder}/weights.h5")
        return [(Path(folder) / "weights.h5").read_bytes()]


@cache
def network() -> Any:
    from edgetl.keras import keras, layers

    from edgetl.backbones.hard_sigmoid import HardSigmoid

    image = keras.Input((8, 8, 3))
    features = layers.DepthwiseConv2D(3, name="deep")(layers.Conv2D(4, 3, activation="relu", name="conv")(image))
    pooled = layers.GlobalAveragePooling2D(name="pool")(HardSigmoid(name="gate")(features))
    return keras.Model(image, layers.Dense(2, name="logits")(pooled))


@cache
def keras() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        network().save(path, save_format="keras")
        return path.read_bytes()


@cache
def keras_config() -> bytes:
    with zipfile.ZipFile(io.BytesIO(keras())) as archive:
        return archive.read("config.json")


def keras_with(config: bytes) -> bytes:
    """The model's file with another configuration."""
    whole = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(keras())) as archive, zipfile.ZipFile(whole, "w") as changed:
        for name in archive.namelist():
            changed.writestr(name, config if name == "config.json" else archive.read(name))
    return whole.getvalue()


@cache
def foreign_onnxs() -> list[bytes]:
    """Graphs as exporters write them: shapes computed, hard-swish taken apart, channels shuffled, Q/DQ pairs."""
    from tests.importing.conftest import Onnx
    from tests.importing.test_onnx import CASES
    from tests.importing.test_quantized import one_logit

    made = []
    for case in (
        "hard-swish, mul first",
        "shuffle",
        "reshaped by a shape",
        "dilated, unequal strides",
        "max pool, ceiling",
        "passed through",
    ):
        graph = Onnx(opset=14)
        with tempfile.TemporaryDirectory() as folder:
            made.append(graph.save(Path(folder) / "model.onnx", CASES[case](graph)).read_bytes())
    graph = Onnx(opset=14)
    with tempfile.TemporaryDirectory() as folder:
        made.append(graph.save(Path(folder) / "model.onnx", one_logit(graph)).read_bytes())
    return made


@cache
def keras_h5s() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        network().save(f"{folder}/model.h5")
        return [(Path(folder) / "model.h5").read_bytes()]


@cache
def _saved_model() -> dict[str, bytes]:
    from edgetl.keras import tf

    module, model = tf.Module(), network()
    module.model = model
    signature = tf.function(lambda image: {"logits": model(image, training=False)}).get_concrete_function(
        tf.TensorSpec((None, 8, 8, 3), tf.float32, name="image")
    )
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures=signature)
        return {path.name: path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def saved_model() -> list[bytes]:
    return [_saved_model()["saved_model.pb"]]


def saved_model_variables() -> dict[str, bytes]:
    return {name: content for name, content in _saved_model().items() if name.startswith("variables.")}


def saved_model_index() -> list[bytes]:
    return [_saved_model()["variables.index"]]
