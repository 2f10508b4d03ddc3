"""Measure where quantization-aware training earns its time: calibrated and trained int8 models of the same float model, image by image.

    python benchmarks/qat.py DATA --out build/qat [--cells "v1 flowers-300" ...] [--ways search qat ...] [--seeds 1]

DATA is as for `defaults.py`, whose halves of each set are taken: one measures and does nothing else. A cell is a network and a set, which
is trained once; each way makes an int8 model of it, which LiteRT runs. Runs and predictions are kept in the folder `--out`, so that an
interrupted call goes on; another way can be named with its settings: --ways "qat quantize.epochs=6". The tables come last.
"""

import argparse
import csv
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from defaults import SETS, rows_of
from many_classes import cut

V1: Mapping[str, object] = {"model.backbone": "mobilenet_v1", "model.alpha": 0.25}
V2: Mapping[str, object] = {"model.backbone": "mobilenet_v2", "model.alpha": 0.35}
FROM_RANDOM = {"model.weights": "none", "train.head_epochs": 0, "train.epochs": 30, "train.learning_rate": 2e-3}
SETTINGS = {"train.epochs": 12, "quantize.qat": True, "export.output": "uint8"}  # more epochs would give a better float model to all ways
NETWORKS: Mapping[str, Mapping[str, object]] = {
    "v1": V1,
    "v2": V2,
    "lite0": {"model.backbone": "efficientnet_lite0"},
    "v1-random": V1 | FROM_RANDOM,
    "v2-random": V2 | FROM_RANDOM,
    "v3-random": {"model.backbone": "mobilenet_v3_small", **FROM_RANDOM},
}
CLASSES = 100  # of the set "crops", see `many_classes.py`
SIZES = {"flowers": 128, "cifar": 64, "coffee": 96, "grocery": 96, "crops": 96}
CELLS = (
    *[f"{network} {images}" for images in ("flowers-300", "grocery-all", "coffee-all", "cifar-1000", "crops") for network in ("v1", "v2")],
    *[f"{network} cifar-1000" for network in ("v1-random", "v2-random", "v3-random")],
    *["v1 flowers-1000", "v2 flowers-1000", "v3-random flowers-1000", "lite0 flowers-300", "lite0 cifar-1000"],
)
WAYS = ("minmax", "biases", "search", "qat")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("build/qat"))
    parser.add_argument("--cells", nargs="+", default=CELLS)
    parser.add_argument("--ways", nargs="+", default=WAYS)
    parser.add_argument("--seeds", type=int, default=1)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    wanted = [f"{cell} {seed}" for seed in range(asked.seeds) for cell in asked.cells]
    for cell in wanted:
        missing = [way for way in ("float", *asked.ways) if not kept_in(asked.out, cell, way).exists()]
        if missing:
            predictions(asked.data, asked.out, cell, missing)
    print_table(asked.out, wanted, asked.ways)


def predictions(data: Path, out: Path, cell: str, ways: Sequence[str]) -> None:
    """Train the float model, unless that was done, and keep what it and each way's int8 model predict for all images."""
    from edgetl.keras import keras

    from edgetl.pipeline.project import Project
    from edgetl.pipeline.train.stages import train_float
    from edgetl.recipe import load
    from edgetl.runtimes.base import predict
    from edgetl.runtimes.keras import KerasSession

    network, images, seed = cell.split()
    source, image_size = str(listing(data, out, images, int(seed))), SIZES[images.split("-")[0]]
    options = {"data.source": source, "train.seed": int(seed), "model.image_size": image_size, **SETTINGS, **NETWORKS[network]}
    for way in ways:
        project = Project.create(load(None, way.split()[1:], options), out / cell)
        with project.run.writing():
            train_float(project)
            started = time.process_time()
            found = project.data.images
            if way == "float":
                session: Any = KerasSession(project.models.float_model, project.contract)
            else:
                session = int8_session(project, quantized(project, way), out)
            seconds = time.process_time() - started
            everything = np.arange(len(found.label_ids))
            probabilities = predict(session, found.pixels, everything, way)
        chooses = np.isin(everything, project.data.choosing.rows("val"))
        calibrated = np.isin(everything, project.data.calibration_rows)
        kept = {"labels": found.label_ids, "splits": found.splits, "chooses": chooses, "calibrated": calibrated}
        np.savez(kept_in(out, cell, way), probabilities=probabilities, seconds=seconds, **kept)
        right = (probabilities.argmax(1) == found.label_ids)[found.splits == "val"].mean()
        print(f"{cell} {way}: {100 * right:.2f} %, {seconds:.0f} s", flush=True)
        keras.backend.clear_session()


def listing(data: Path, out: Path, images: str, seed: int) -> Path:
    """Write the CSV file of a cell's images, and the images themselves where they are to be cut; returns its path."""
    path = out / f"{images} {seed}.csv"
    if path.exists():
        return path
    if images == "crops":
        folder = out / images
        if not folder.exists():
            cut(data / SETS["flowers"] / "train", folder, CLASSES, {"train": 8, "val": 8})
        rows = [(str(path.resolve()), path.parts[-2], path.parts[-3]) for path in sorted(folder.glob("*/*/*.jpg"))]
    else:
        rows = list(rows_of(data / SETS[images.split("-")[0]], images.split("-")[1], seed))
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "split"), *rows])
    return path


def quantized(project: Any, way: str) -> Any:
    """Return the int8 model that a way makes of the float model."""
    from edgetl.pipeline.export.budget import calibrate_plainly
    from edgetl.pipeline.train.stages import quantize
    from edgetl.quantization.correct import corrected, input_means
    from edgetl.quantization.quantized import Quantized, bake

    kind = way.split()[0]
    if kind in ("search", "qat"):
        scheme = {"search": "ptq_int8", "qat": "qat_int8"}[kind]
        quantize(project, scheme)
        return Quantized.load(project.run.quantized_model(scheme))
    plain = calibrate_plainly(project, "ptq_int8")
    if kind == "minmax":
        return plain
    model, contract = project.models.float_model, project.contract
    weights = {layer.name: layer.get_weights() for layer in model.layers if layer.weights}
    means = input_means(model, contract, project.data.images.pixels, project.data.calibration_rows)
    return bake(model, corrected(model, weights, plain.weights, means), plain.ranges, contract)


def int8_session(project: Any, model: Any, out: Path) -> Any:
    """Return a session of the model's int8 TFLite file."""
    from edgetl.export import FORMATS
    from edgetl.export.base import Conversion
    from edgetl.runtimes import open_session

    conversion = Conversion(model.to_keras(project.models.float_model, project.contract), project.contract, "int8", FORMATS.load)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model_int8.tflite")
        path.write_bytes(conversion.file("tflite"))
        return open_session(path, project.contract)


def kept_in(out: Path, cell: str, way: str) -> Path:
    """Return the file of a model's predictions."""
    return out / f"{cell} {way}.npz"


def print_table(out: Path, cells: Sequence[str], ways: Sequence[str]) -> None:
    """Print what each way loses of float on the images that measure."""
    from edgetl.evaluation.agreement import compare
    from edgetl.evaluation.statistics import paired

    print("| cell | images | float | " + " | ".join(f"{way}: drop (lost/won), KL, s" for way in ways) + " |")
    print("|---|---|---|" + "---|" * len(ways))
    for cell in cells:
        if not kept_in(out, cell, "float").exists():
            continue
        float_model = np.load(kept_in(out, cell, "float"))
        val, labels = float_model["splits"] == "val", float_model["labels"]
        shown = []
        for way in ways:
            path = kept_in(out, cell, way)
            if not path.exists():
                shown.append("")
                continue
            found = np.load(path)
            before, after = float_model["probabilities"][val], found["probabilities"][val]
            cost = paired(before.argmax(1) == labels[val], after.argmax(1) == labels[val])
            kl = compare(before, after).kl
            shown.append(f"{cost.drop_points:+z.2f} ({cost.only_a}/{cost.only_b}), {kl:.4f}, {float(found['seconds']):.0f}")
        top1 = 100 * np.mean(float_model["probabilities"][val].argmax(1) == labels[val])
        print(f"| {cell} | {val.sum()} | {top1:.2f} | " + " | ".join(shown) + " |")


if __name__ == "__main__":
    main()
