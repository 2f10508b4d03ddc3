"""Compare the default training with its own frozen head and with a grid of hand-tuned ones, on images that chose nothing.

    python benchmarks/defaults.py DATA --out build/defaults [--cells flowers-300 ...] [--ways head default ...] [--seeds 3]

DATA holds tf_flowers, cifar10_small, small/coffee_leaf, small/grocery and small/dog_cat. Of each set one half, drawn by the images'
contents, measures and does nothing else; a cell takes up to so many images of the other half, evenly over the classes and drawn by the
seed. Each run's predictions are kept in the folder `--out`, so that an interrupted call goes on. The table comes last, and what follows
from it: gains over the head and over the default before, the distance to the best of the grid (the setting is chosen on one half of the
images that measure, and measured on the other, and the other way round), single runs below their head, and calibration errors.
"""

import argparse
import csv
import hashlib
import math
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from edgetl.compared import P_SIGNIFICANT
from edgetl.evaluation.statistics import holm, paired

SETS = {
    "flowers": "tf_flowers",
    "cifar": "cifar10_small",
    "coffee": "small/coffee_leaf",
    "grocery": "small/grocery",
    "dogs": "small/dog_cat",
}
CELLS = ("flowers-100", "flowers-300", "flowers-1000", "flowers-all", "coffee-all", "grocery-all", "dogs-all", "cifar-1000")
# The default before this comparison, but for its best epoch, which the images that measure would choose here: the last is kept.
BEFORE: dict[str, object] = {
    "data.selection_fraction": 0.0,
    "train.head_epochs": 40,
    "train.head_dropout": 0.2,
    "train.epochs": 16,
    "train.learning_rate": 5e-4,
    "train.warmup_fraction": 0.08,
}
RATES_AND_EPOCHS = [(rate, epochs) for rate in (1e-4, 2e-4, 5e-4) for epochs in (16, 40)]
GRID = {f"{rate:g} x {epochs}": {**BEFORE, "train.learning_rate": rate, "train.epochs": epochs} for rate, epochs in RATES_AND_EPOCHS}
WAYS: dict[str, dict[str, object]] = {"head": {"train.epochs": 0}, "default": {}, "before": BEFORE, **GRID}
Runs = Mapping[tuple[str, str, int], Mapping[str, NDArray[Any]]]  # by cell, way and seed: what was kept of a training
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
    from edgetl.run_record import FloatFacts
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
        choice = project.run.facts("float", FloatFacts).choice
    labels = images.label_ids[val]
    right = probabilities.argmax(1) == labels
    worse = bool(choice and choice.kept == "fine-tuned" and choice.accuracy < choice.head_accuracy)
    head_kept = bool(choice and choice.kept == "head")
    np.savez(kept, right=right, seconds=seconds, probabilities=probabilities, labels=labels, worse=worse, head_kept=head_kept)
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
    """Print the mean accuracy over the seeds of each cell and way in %, and what the bars of a good default are about."""
    runs = {
        (cell, way, seed): np.load(kept_in(out, cell, way, seed))
        for cell in cells
        for way in ways
        for seed in range(seeds)
        if kept_in(out, cell, way, seed).exists()
    }
    print("| cell | " + " | ".join(ways) + " |\n|---|" + "---|" * len(ways))
    for cell in cells:
        shown = []
        for way in ways:
            found = [runs[cell, way, seed]["right"].mean() for seed in range(seeds) if (cell, way, seed) in runs]
            shown.append(f"{100 * np.mean(found):.2f}" + (f" ({len(found)})" if len(found) < seeds else "") if found else "")
        print(f"| {cell} | " + " | ".join(shown) + " |")
    for other in ("head", "before"):
        print_gains(runs, cells, other, seeds)
    print_best_of_grid(runs, cells, seeds)
    print_single_runs(runs)


def print_gains(runs: Runs, cells: Sequence[str], other: str, seeds: int) -> None:
    """Print what the default gains over another way with the same images and seeds: each cell's mean, and that of the cells."""
    gains = {}
    for cell in cells:
        both = [seed for seed in range(seeds) if (cell, "default", seed) in runs and (cell, other, seed) in runs]
        if both:
            gains[cell] = np.mean([100 * (runs[cell, "default", s]["right"].mean() - runs[cell, other, s]["right"].mean()) for s in both])
    print_means(f"gain over {other}", gains)


def print_best_of_grid(runs: Runs, cells: Sequence[str], seeds: int) -> None:
    """Print the default's distance to the grid's best setting, which one half of the images chooses and the other measures."""
    gains = {}
    for cell in cells:
        ways = [way for way in GRID if (cell, way, 0) in runs]
        both = [seed for seed in range(seeds) if all((cell, way, seed) in runs for way in [*ways, "default"])]
        if len(ways) < len(GRID) or not both:
            continue
        right = {way: np.stack([runs[cell, way, seed]["right"] for seed in both]) for way in [*ways, "default"]}
        sides = [slice(0, None, 2), slice(1, None, 2)]
        best = [max(ways, key=lambda way: right[way][:, side].mean()) for side in sides]
        measured = zip(best, reversed(sides), strict=True)
        gains[cell] = np.mean([100 * (right["default"][:, side].mean() - right[way][:, side].mean()) for way, side in measured])
    print_means("against the best of the grid", gains)


def print_means(what: str, gains: Mapping[str, float]) -> None:
    """Print each cell's gain in points, and their mean with its 95 % interval by Student's t over the cells."""
    values = list(gains.values())
    if len(values) < 2:
        return
    spread = t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / math.sqrt(len(values))
    mean = f"{np.mean(values):+.2f} ({np.mean(values) - spread:+.2f} to {np.mean(values) + spread:+.2f})"
    print(f"\n{what}: " + ", ".join(f"{cell} {gain:+.2f}" for cell, gain in gains.items()) + f"; mean {mean}")


def print_single_runs(runs: Runs) -> None:
    """Print the runs of the default that are below their head, what was kept, and the calibration errors."""
    pairs = {
        (cell, seed): paired(runs[cell, "head", seed]["right"], run["right"])
        for (cell, way, seed), run in runs.items()
        if way == "default" and (cell, "head", seed) in runs
    }
    corrected = holm([pair.mcnemar_p for pair in pairs.values()])
    below = [f"{cell} {seed} (-{pair.drop_points:.2f})" for (cell, seed), pair in pairs.items() if pair.drop_points > 0]
    shown = sum(p < P_SIGNIFICANT and pair.drop_points > 0 for p, pair in zip(corrected, pairs.values(), strict=True))
    print(f"\n{len(pairs)} runs, below their head: {', '.join(below) or 'none'}; significantly (McNemar, Holm): {shown}")
    defaults = {key: run for key, run in runs.items() if key[1] == "default"}
    kept = [f"{cell} {seed}" for (cell, _, seed), run in defaults.items() if run["head_kept"]]
    worse = sum(bool(run["worse"]) for run in defaults.values())
    print(f"the head alone was kept: {', '.join(kept) or 'never'}; fine-tuned although worse on the images that choose: {worse}")
    for cell in dict.fromkeys(cell for cell, _, _ in defaults):
        errors = [equal_mass_error(run["probabilities"], run["labels"]) for (one, _, _), run in defaults.items() if one == cell]
        seconds = [float(run["seconds"]) for (one, _, _), run in defaults.items() if one == cell]
        print(f"{cell}: calibration error {', '.join(f'{100 * error:.2f}' for error in errors)} %, {np.mean(seconds):.0f} s a training")


def equal_mass_error(probabilities: NDArray[np.floating], labels: NDArray[np.integer], bins: int = 15) -> float:
    """Return the expected calibration error over bins of equally many images, from 0 (perfect) to 1."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    gaps = (confidence - right)[np.argsort(confidence)]
    return sum(abs(float(part.sum())) for part in np.array_split(gaps, bins)) / len(gaps)


if __name__ == "__main__":
    main()
