"""Keyword arguments of functions that take many, one type for each function."""

from collections.abc import Sequence
from typing import TypedDict

from edgetl.api.checks import File
from edgetl.api.settings import RecipeOptions
from edgetl.recipe_values import Overrides


class TrainOptions(RecipeOptions, total=False):
    """Options of a training: those of `edgetl.RecipeOptions`, and these.

    Attributes:
        quick: use the recipe's [quick] settings, a short try.
    """

    quick: bool


class TuneOptions(RecipeOptions, total=False):
    """Options of a search: those of `edgetl.RecipeOptions`, which all trials share, and these.

    Attributes:
        latency_budget_ms: highest median latency of one image that is allowed; default: any.
        arena_budget_bytes: most working memory on a microcontroller; default: any.
        flash_budget_bytes: largest model on a microcontroller; default: any.
        device: device that latency or memory is measured on, see `edgetl list devices`; default: "local".
        trials: networks to judge in all, including those of earlier calls; default: 12.
    """

    latency_budget_ms: float
    arena_budget_bytes: int
    flash_budget_bytes: int
    device: str
    trials: int


class ExportOptions(TypedDict, total=False):
    """Options of an export.

    Attributes:
        precisions: "float32", "float16", "dynamic_int8", "int8", "int16x8"; default: the recipe's.
        formats: "tflite", "onnx" and others, see `edgetl list formats`; default: the recipe's.
        onnx_style: "integer": int8 ONNX files with integer operators; "qdq": with Q/DQ pairs, for accelerators.
        keep_float: operators of the int8 model that stay in float.
        max_drop: percentage points of top-1 accuracy that int8 may lose; better int8 models are tried until one loses no more.
        batch: images that a file takes at a time, up to 256; "dynamic": any number, in ONNX files. Default: the recipe's, 1.
        settings: any setting of the recipe by dotted key, such as {"about.name": "Flowers"}.
    """

    precisions: Sequence[str]
    formats: Sequence[str]
    onnx_style: str
    keep_float: Sequence[str]
    max_drop: float | None
    batch: int | str | None
    settings: Overrides | None


class BundleOptions(TypedDict, total=False):
    """Options of a bundle.

    Attributes:
        models: exported files; default: int8 as .tflite and .onnx.
        name: name of the model in the manifest; default: the recipe's.
        version: version of the model in the manifest; default: the recipe's.
        licence: licence of the model in the manifest; default: the recipe's.
        sign: file of an Ed25519 private key, see `edgetl keygen`.
        golden: images for an app's tests: "validation", a folder of images, or "synthetic": none beside those that every app carries.
        force: bundle despite a failed or outdated validation, which the manifest records.
    """

    models: Sequence[str]
    name: str
    version: str
    licence: str
    sign: File | None
    golden: File
    force: bool


class PackOptions(TypedDict, total=False):
    """Options of packing.

    Attributes:
        shards: least number of shards; default: 1.
        max_shard_mib: largest size of a shard, in MiB; default: 256.
        seed: seed of the shuffling; default: 0.
        task: "multi-label" where a CSV file lists any number of classes an image.
        settings: settings of the recipe by dotted key; those of "data" count.
    """

    shards: int
    max_shard_mib: int
    seed: int
    task: str | None
    settings: Overrides | None


class BenchmarkOptions(TypedDict, total=False):
    """Options of a benchmark.

    Attributes:
        devices: such as "local", "adb" or "ssh://pi@board.local", see `edgetl list devices`; default: "local".
        threads: threads of the runtime; default: 1.
        runs: least number of timed inferences; default: 50.
        warmup: inferences before the timing starts; default: 10.
        duration_s: least duration of a measurement, in seconds.
        cpu_mask: cores to run on, such as "0xf0"; default: any.
        delegate: one or several of "default", "cpu", "xnnpack", "gpu", "npu", "nnapi", "coreml" and "webnn"; default: the runtime's own.
        profile: also time each operator.
        images: number of images that measure whose predictions are compared with this computer's; -1: all; default: 0.
        out: folder of benchmark.json, .md, .csv and .png; default: the run.
        data: where the run's images are now, as for `edgetl.Run`.
    """

    devices: Sequence[str]
    threads: int
    runs: int
    warmup: int
    duration_s: float
    cpu_mask: str
    delegate: str | Sequence[str]
    profile: bool
    images: int
    out: File | None
    data: File


class ShipOptions(TypedDict, total=False):
    """Options of an app.

    Attributes:
        out: folder of a new app.
        into: folder of an app to add model, classifier and test to.
        package: such as "com.example.app"; default: from the model's name, or the app's own.
        runtime: "litert", "onnxruntime" or "coreml"; default: the target's first.
        golden: as for a bundle, which has its own: of those "validation", the default, takes all, and "synthetic" none.
        data: where the run's images are now, as for `edgetl.Run`.
        translations: files of what the app says in other languages, such as "de.json".
    """

    out: File | None
    into: File | None
    package: str
    runtime: str
    golden: File
    data: File
    translations: Sequence[File]
