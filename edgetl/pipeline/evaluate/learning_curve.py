"""Learning curve of the head, on features that are computed once."""

import numpy as np
from numpy.typing import NDArray

from edgetl.errors import UsageError
from edgetl.evaluation.curve import learning_curve as find_curve
from edgetl.evaluation.results import LearningCurve
from edgetl.pipeline.evaluate.features import probe_settings, starting_features
from edgetl.pipeline.project import Project
from edgetl.pipeline.train.stages import find_data
from edgetl.progress import progress
from edgetl.report.plots.learning_curve import learning_curve_plot
from edgetl.training.probe import train_probe
from edgetl.wording import counted

_FRACTIONS = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
_CAVEAT = "a linear head on the backbone before fine-tuning; fine-tuning needs more images, and gains more from them"

_ONE_EACH = "train on a part of the images instead, such as with --set data.limit=100, and compare the runs"


def learning_curve(project: Project, seeds: int = 5) -> LearningCurve:
    """Train heads on growing parts of the training images, score them on the validation images, and write learning_curve.json and .png.

    Every head takes the same number of steps: with fewer images it sees each more often, so that the curve shows the value of the images
    and not that of longer training. A part has every class in proportion, at least one image; a larger part contains the smaller ones.
    """
    if project.contract.output.several:
        raise UsageError("a learning curve trains heads that name one class an image, and these images may show several", _ONE_EACH)
    find_data(project)
    features, rows = starting_features(project)
    images = project.data.images
    label_ids, train = images.label_ids[rows], np.flatnonzero(images.splits[rows] == "train")
    val = np.flatnonzero(images.splits[rows] == "val")
    parts = {seed: [_part(label_ids, train, fraction, seed) for fraction in _FRACTIONS] for seed in range(seeds)}
    sizes = [len(part) for part in parts[0]]  # equal for all seeds
    kept = [f for f, size in enumerate(sizes) if f == 0 or size > sizes[f - 1]]
    settings = probe_settings(project, len(train))
    right = np.empty((len(kept), seeds, len(val)), bool)
    with progress("learning curve", len(kept) * seeds) as tick:
        for place, f in enumerate(kept):
            for seed in range(seeds):
                part = parts[seed][f]
                probe = train_probe(features[:, part], label_ids[part], settings, seed)
                right[place, seed] = probe.probabilities(features[0, val]).argmax(axis=1) == label_ids[val]
                tick(1, f"{counted(sizes[f], 'image')}, accuracy {right[place, seed].mean():.4f}")
    found = find_curve([sizes[f] for f in kept], right)
    curve = LearningCurve(
        data_fingerprint=images.fingerprint,
        model=f"{project.recipe.network}, {project.recipe.model.start}",
        caveat=_CAVEAT,
        seeds=seeds,
        validation_images=len(val),
        points=found.points,
        law=found.law,
        doubled=found.doubled,
    )
    curve = curve.model_copy(update={"plot_description": learning_curve_plot(curve, project.run.learning_curve_plot)})
    curve.write(project.run.learning_curve)
    return curve


def _part(label_ids: NDArray[np.integer], rows: NDArray[np.int64], fraction: float, seed: int) -> NDArray[np.int64]:
    """Return a random fraction of each class among the rows, at least one image."""
    shuffled = np.random.default_rng(seed).permutation(rows)
    by_class = [shuffled[label_ids[shuffled] == label] for label in np.unique(label_ids[rows])]
    return np.concatenate([members[: max(1, round(fraction * len(members)))] for members in by_class])
