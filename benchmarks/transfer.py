"""What a pretrained small_cnn is worth: 100 handwritten digits to learn from, started from photographs' features and from random weights.

usage: python benchmarks/transfer.py [IMAGES]   a folder or source to pretrain on; cifar10 if left out

Both get the same training images, epochs and settings, each the best of four learning rates by its mean over the seeds: what
differs is the start. Every seed draws other training images, and all are judged on the same others.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from common import SCRATCH, cpu_line
from scipy import stats

from edgetl import recipe
from edgetl.data.sources import find
from edgetl.pipeline.project import Project
from edgetl.pipeline.train.pretrain import make_backbone
from edgetl.pipeline.train.stages import train_float
from edgetl.run_record import FloatFacts

RECIPE = Path(__file__).parents[1] / "models/small_cnn_digits/recipe.toml"
SEEDS, TRAINED, JUDGED = range(5), 10, 100  # images of each class
RATES = (5e-4, 2e-3, 8e-3, 3e-2)
# The head has no stage of its own, so that both see every image equally often; 50 epochs are 650 steps.
SAME = {"train.head_epochs": 0, "train.epochs": 50, "train.patience": 50, "train.batch_size": 8, "quantize.qat": False}


def main(source: str) -> None:
    print(cpu_line())
    folder = SCRATCH / "transfer"
    folder.mkdir(parents=True, exist_ok=True)
    weights = (folder / "small_cnn.npz").resolve()
    table = recipe.pretraining(RECIPE, [f"pretrain.data.source={Path(source).resolve() if Path(source).exists() else source}"], quick=False)
    assert table is not None
    make_backbone(table, weights)
    lists = [_list(folder, seed) for seed in SEEDS]
    rows = {start: {rate: [_accuracy(folder, one, start, rate) for one in lists] for rate in RATES} for start in (str(weights), "none")}
    best = {start: max(found.items(), key=lambda item: np.mean(item[1])) for start, found in rows.items()}
    print(f"{'start':12} {'rate':>7}  {' '.join(f'seed {seed:<2}' for seed in SEEDS)}    mean   top-1 in % of {10 * JUDGED} digits")
    for start, found in rows.items():
        for rate, accuracies in found.items():
            each = " ".join(f"{100 * one:7.2f}" for one in accuracies)
            print(f"{'random' if start == 'none' else 'pretrained':12} {rate:7.0e}  {each} {100 * np.mean(accuracies):7.2f}")
    gains = 100 * (np.array(best[str(weights)][1]) - np.array(best["none"][1]))
    test = stats.ttest_rel(best[str(weights)][1], best["none"][1])
    low, high = 100 * np.array(test.confidence_interval())
    interval = f"95 %: {low:.2f} to {high:.2f}, paired over the seeds"
    print(f"gain at the best rates: {gains.mean():.2f} points ({interval}), least {gains.min():.2f}, p {test.pvalue:.2g}")


def _list(folder: Path, seed: int) -> Path:
    """A CSV file of images that it writes beside itself: for each class some to train on, by the seed, and the same ones to judge by."""
    rows, random = ["path,label,split"], np.random.default_rng(seed)
    listing = find("digits")
    for label in listing.class_names:
        items = [item for item in listing.items if item.class_name == label]
        judged, others = items[-JUDGED:], items[:-JUDGED]
        chosen = [others[place] for place in sorted(random.choice(len(others), TRAINED, replace=False))]
        for split, some in (("train", chosen), ("val", judged)):
            for item in some:
                name = f"{item.name.replace(':', '-')}.png"
                (folder / name).write_bytes(item.read())
                rows.append(f"{name},{label},{split}")
    path = folder / f"digits-{seed}.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def _accuracy(folder: Path, images: Path, start: str, rate: float) -> float:
    """Of the last epoch: the best one would be picked by the images that judge."""
    options: dict[str, Any] = SAME | {"data.source": str(images), "model.weights": start, "train.learning_rate": rate}
    chosen = recipe.load(RECIPE, options=options | {"train.seed": int(images.stem[-1])})
    name = f"{images.stem}-{'random' if start == 'none' else 'pretrained'}-{rate:g}"
    project = Project.create(chosen, folder / "runs" / name)
    train_float(project)
    trained = project.run.facts("float", FloatFacts).fine_tuning
    assert trained is not None
    return trained.epochs[-1].val_accuracy


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "cifar10")
