"""Find images whose label is contradicted by a model that was not trained on them."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edgetl.diagnosis.base import DatasetFacts, Finding

_FOLDS = 5
_FEWEST = 10  # images of a class: with fewer, folds know too little of it to contradict anybody
# Another class's probability above the label's own by this much. Of 10 wrong labels planted among 3670 flowers, 0.6 finds 9 or 10 beside
# some 110 right or doubtful ones, 0.8 finds 6 to 10 beside 50 (8 seeds, EfficientNet-Lite0 at 160 px).
_MARGIN = 0.6
# Inverse of the regularization, for all images together: strong, since a head that learns wrong labels by heart finds none, and the same
# for a few images as for many: of 360 flowers it finds 75 % of the wrong labels beside 16, where 0.01 for each finds 59 % beside 5.
_STRENGTH = 30.0
# Of several classes an image, each judged by itself: of 20 wrong decisions planted among the 3000 of 600 composed images, in which flowers
# are small and cut, 12 are found beside 92; with a strength of 30 it were 13 beside 279.
_MARGIN_OF_SEVERAL, _STRENGTH_OF_SEVERAL = 0.8, 1.0
_SEED = 0


def wrong_labels(data: DatasetFacts) -> Iterator[Finding]:
    """Yield images that cross-validation assigns to another class with a wide margin."""
    if data.several:
        yield from _of_several(data)
        return
    judged = np.flatnonzero(np.isin(data.label_ids, judged_classes(data.label_ids)))
    if data.features is None or not len(judged):
        return
    label_ids = data.label_ids[judged]
    predictions = out_of_fold(data.features[judged], label_ids, [data.images[row].sha256 for row in judged], len(data.class_names))
    own = predictions[np.arange(len(judged)), label_ids]
    margin = predictions.max(axis=1) - own
    for place in np.flatnonzero(margin > _MARGIN):
        row, other = int(judged[place]), int(predictions[place].argmax())
        name, predicted = data.names[row], f"{data.class_names[other]} ({predictions[place, other]:.2f})"
        detail = f"predicted {predicted}, labelled {data.class_name(row)} ({own[place]:.2f})"
        yield Finding(name, detail, score=float(margin[place]), consider=(name,))


def _of_several(data: DatasetFacts) -> Iterator[Finding]:
    """Yield images whose labels lack a class, or have one too many, by a regression for each class."""
    if data.features is None:
        return
    hashes, shown = [image.sha256 for image in data.images], data.shown
    for k in judged_classes(data.label_ids):
        with_it = out_of_fold(data.features, shown[:, k].astype(np.int64), hashes, 2, _STRENGTH_OF_SEVERAL)[:, 1]
        margin = np.abs(shown[:, k] - with_it)
        for row in np.flatnonzero(margin > _MARGIN_OF_SEVERAL).tolist():
            name, probability = data.names[row], f"{data.class_names[k]} ({with_it[row]:.2f})"
            detail = f"labelled {data.class_name(row)}, predicted {'without' if shown[row, k] else 'with'} {probability}"
            yield Finding(name, detail, score=float(margin[row]), consider=(name,))


def judged_classes(label_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the classes that can be judged; none where there is only one of them."""
    if label_ids.ndim == 2:
        return np.flatnonzero(np.minimum(label_ids.sum(0), (1 - label_ids).sum(0)) >= _FEWEST)
    counts = np.bincount(label_ids)
    large = np.flatnonzero(counts >= _FEWEST)
    return large if len(large) > 1 else large[:0]


def out_of_fold(
    features: NDArray[np.float32], label_ids: NDArray[np.int64], hashes: list[str], classes: int, strength: float = _STRENGTH
) -> NDArray[np.float64]:
    """Compute probabilities [N, K] of each image by a regression on the others; copies of a file share a fold, or they would leak."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    from edgetl.training.probe import folds

    predictions = np.zeros((len(label_ids), classes))
    fold_of = folds(label_ids, hashes, min(_FOLDS, len(set(hashes))), _SEED)
    with threadpool_limits(limits=1):  # as train_probe
        for fold in np.unique(fold_of):
            there = fold_of == fold
            model = make_pipeline(StandardScaler(), LogisticRegression(C=strength / (~there).sum(), max_iter=300))
            model.fit(features[~there], label_ids[~there])
            predictions[np.ix_(there, model.classes_)] = model.predict_proba(features[there])
    return predictions
