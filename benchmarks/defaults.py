"""Compare the default training with its own frozen head and with a grid of hand-tuned ones, on images that chose nothing.

    python benchmarks/defaults.py DATA --out build/defaults [--cells flowers-300 ...] [--ways head default ...] [--seeds 3]

DATA holds tf_flowers, cifar10_small, small/coffee_leaf, small/grocery and small/dog_cat. Of each set one half, drawn by the images'
contents, measures and does nothing else; a cell takes up to so many images of the other half, evenly over the classes and drawn by the
seed. Each run's predictions are kept in the folder `--out`, so that an interrupted call goes on. The table comes last.
"""

import argparse
import csv
import hashlib
import math
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SETS = {
    "flowers": "tf_flowers",
    "cifar": "cifar10_small",
    "coffee": "small/coffee_leaf",
    "grocery": "small/grocery",
    "dogs": "small/dog_cat",
}
CELLS = ("flowers-100", "flowers-300", "flowers-1000", "flowers-all", "coffee-all", "grocery-all", "dogs-all", "cifar-1000")
BEFORE = {  # the default before this comparison, but for its best epoch, which the images that measure would choose here: the last is kept
    "data.selection_fraction": 0.0,
    "train.head_epochs": 40,
    "train.head_dropout": 0.2,
    "train.epochs": 16,
    "train.learning_rate": 5e-4,
    "train.warmup_fraction": 0.08,
}
RATES_AND_EPOCHS = [(rate, epochs) for rate in (1e-4, 2e-4, 5e-4) for epochs in (16, 40)]
GRID = {f"{rate:g} x {epochs}": BEFORE | {"train.learning_rate": rate, "train.epochs": epochs} for rate, epochs in RATES_AND_EPOCHS}
WAYS: Mapping[str, Mapping[str, object]] = {"head": {"train.epochs": 0}, "default": {}, "before": BEFORE} | GRID
MODEL = {"model.backbone": "mobilenet_v2", "model.alpha": 0.35, "model.image_size": 128}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("build/defaults"))
    parser.add_argument("--cells", nargs="+", choices=CELLS, default=CELLS)
    parser.add_argument("--ways", nargs="+", default=list(WAYS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings of another way, which --ways names")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    for cell in asked.cells:
        for seed in range(asked.seeds):
            for way in asked.ways:
                predictions(asked.data, asked.out, cell, way, seed, asked.set)
    print_table(asked.out, asked.cells, asked.ways, asked.seeds)


def predictions(data: Path, out: Path, cell: str, way: str, seed: int, settings: Sequence[str]) -> None:
    """Train, unless that was done, and keep which held-out images are right."""
    kept = kept_in(out, cell, way, seed)
    if kept.exists():
        return
    from edgetl.keras import keras

    from edgetl.pipeline.project import Project
    from edgetl.pipeline.train.stages import train_float
    from edgetl.recipe import load
    from edgetl.runtimes.base import predict
    from edgetl.runtimes.keras import KerasSession

    with tempfile.TemporaryDirectory() as folder:
        listing = Path(folder, f"{cell}.csv")
        with listing.open("w", newline="") as file:
            csv.writer(file).writerows([("path", "label", "split"), *rows_of(data / SETS[cell.split("-")[0]], cell.split("-")[1], seed)])
        options = {"data.source": str(listing), "train.seed": seed, "export.precisions": ["float32"], **MODEL, **WAYS.get(way, {})}
        project = Project.create(load(None, settings if way not in WAYS else None, options), Path(folder, "run"))
        started = time.monotonic()
        with project.run.writing():
            train_float(project)
        seconds = time.monotonic() - started
        images = project.data.images
        val = images.rows("val")
        probabilities = predict(KerasSession(project.models.float_model, project.contract), images.pixels, val, "held-out images")
    labels = images.label_ids[val]
    right = probabilities.argmax(1) == labels
    np.savez(kept, right=right, seconds=seconds, probabilities=probabilities, labels=labels)
    print(f"{cell} {way} {seed}: {100 * right.mean():.2f} %, {seconds:.0f} s", flush=True)
    keras.backend.clear_session()


def rows_of(folder: Path, count: str, seed: int) -> Iterator[tuple[str, str, str]]:
    """Yield path, class name and split: the half that measures as val, the cell's images as train."""
    by_class: dict[str, list[tuple[Path, bool]]] = {}
    for path in sorted(folder.resolve().rglob("*.jpg")):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        by_class.setdefault(path.parent.name, []).append((path, int(digest[:8], 16) % 2 == 0))
    random = np.random.default_rng(seed)
    for name, found in by_class.items():
        yield from ((str(path), name, "val") for path, measures in found if measures)
        pool = [path for path, measures in found if not measures]
        most = len(pool) if count == "all" else math.ceil(int(count) / len(by_class))
        yield from ((str(pool[place]), name, "train") for place in random.permutation(len(pool))[:most])


def kept_in(out: Path, cell: str, way: str, seed: int) -> Path:
    """Return the file of a run's predictions."""
    return out / f"{cell} {way} {seed}.npz"


def print_table(out: Path, cells: Sequence[str], ways: Sequence[str], seeds: int) -> None:
    """Print the mean accuracy over the seeds of each cell and way, in %."""

    def right(cell: str, way: str, seed: int) -> NDArray[np.bool_] | None:
        kept = kept_in(out, cell, way, seed)
        return np.load(kept)["right"] if kept.exists() else None

    print("| cell | " + " | ".join(ways) + " |\n|---|" + "---|" * len(ways))
    for cell in cells:
        shown = []
        for way in ways:
            found = [one for one in (right(cell, way, seed) for seed in range(seeds)) if one is not None]
            shown.append(f"{100 * np.mean([one.mean() for one in found]):.2f}" if found else "")
        print(f"| {cell} | " + " | ".join(shown) + " |")


if __name__ == "__main__":
    main()
