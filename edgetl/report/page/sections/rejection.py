"""The section on unknown images and thresholds."""

import numpy as np

from edgetl.evaluation.rejection import coverage
from edgetl.evaluation.unknowns import UnknownImage, Unknowns
from edgetl.report.page.blocks import Absent, Block, Gallery, Photo, Plot, Section, Table, Text
from edgetl.report.page.facts import Facts, Predictions, Rejects, percent
from edgetl.report.plots.draw import BLUE, GOLD, INK, legend, plot

_TITLE = "Unknown images (out of distribution)"
_ROWS = 24  # of a table that is open


def section(facts: Facts) -> Section | Absent:
    """Return accuracy by coverage, how well unknown images are rejected, and those with the highest probabilities."""
    rejects = facts.rejects
    if rejects is None or not (rejects.unknowns or rejects.output.decides):
        return Absent(_TITLE, "no threshold is set, and no unknown images were evaluated", "edgetl evaluate RUN --unknown DIR")
    if rejects.output.several:
        return _thresholds(rejects)
    blocks: list[Block] = []
    predictions = facts.predicted(_TITLE)
    if isinstance(predictions, Predictions):
        blocks.append(_coverage(predictions, rejects))
    blocks.append(Text(_meaning(rejects), beside=True))
    if rejects.unknowns:
        found = rejects.unknowns.found
        blocks += [Text(f"{note}.") for note in found.notes()]
        blocks += [Text(f"{caveat}.", warning=True) for caveat in found.caveats()]
        blocks.append(Table(found.COLUMNS, found.rows(), "Images that show none of the classes, with 95 % intervals"))
    blocks += _chosen(rejects)
    if rejects.unknowns:
        blocks += _surest(rejects, rejects.unknowns)
    return Section(_TITLE, blocks)


def _thresholds(rejects: Rejects) -> Section:
    """Return from which probability on each of several classes is found."""
    meaning = Text("A class is found on an image where its probability reaches its threshold; an image may show none of the classes.")
    if rejects.choice:
        return Section("Thresholds", (meaning, *_chosen(rejects)))
    named = zip(rejects.output.class_names, rejects.output.present_from.tolist(), strict=True)
    rows = [[name, f"{threshold:.3f}"] for name, threshold in named]
    return Section("Thresholds", (meaning, Table(("class", "threshold"), rows, "The thresholds of the contract", folded=len(rows) > _ROWS)))


def _chosen(rejects: Rejects) -> list[Block]:
    """Return how the thresholds of the classes were chosen, where they were, with what they change."""
    if (choice := rejects.choice) is None:
        return []
    notes = [Text(f"{note[:1].upper()}{note[1:]}.", warning=True) for note in choice.notes]
    return [
        Text(choice.sentence()),
        *notes,
        Table(choice.COLUMNS, choice.rows(), "Thresholds of the classes, with the metrics before and after"),
    ]


def _coverage(predictions: Predictions, rejects: Rejects) -> Plot:
    """Draw the accuracy of what is kept by how much is kept; a dot is where the contract's thresholds are."""
    figure, axes = plot()
    said = []
    for name, colour in zip(predictions.shown, (GOLD, BLUE)[-len(predictions.shown) :], strict=True):
        probabilities = predictions.probabilities[name]
        right = probabilities.argmax(axis=1) == predictions.label_ids
        points = coverage(probabilities.max(axis=1), right)
        axes.plot([100 * one.coverage for one in points], [100 * one.accuracy for one in points], color=colour, linewidth=1.4, label=name)
        kept = rejects.output.present(probabilities).any(axis=1)
        if rejects.output.decides and kept.any():
            axes.plot(100 * kept.mean(), 100 * right[kept].mean(), "o", markersize=8, color=colour, markeredgecolor=INK)
            said.append(f"{name} keeps {percent(float(kept.mean()), 1)} %, of which {percent(float(right[kept].mean()), 1)} % are right")
        else:
            half = points[int(np.abs([one.coverage - 0.5 for one in points]).argmin())]
            said.append(f"{name}: {percent(points[0].accuracy, 1)} % of all, {percent(half.accuracy, 1)} % of the surer half are right")
    axes.set_xlim(0, 103)
    axes.set_xlabel("coverage: images that are kept, %")
    axes.set_ylabel("accuracy of these, %")
    legend(axes)
    caption = "Accuracy by coverage, as the threshold rises from right to left."
    caption += " The dots are the thresholds of the contract." if rejects.output.decides else ""
    return Plot(figure, f"Accuracy of the images that are kept, by their share. {'; '.join(said)}", caption)


def _meaning(rejects: Rejects) -> str:
    """Return how an image is decided on."""
    output = rejects.output
    parts = []
    if output.rejection:
        kept = percent(output.rejection.keep, 0)
        parts.append(
            f"An image is unknown where its highest probability is below {output.rejection.threshold:.3f}, "
            f"which was chosen to keep {kept} % of the images of the classes."
        )
    if output.thresholds:
        low, high = min(output.thresholds.per_class), max(output.thresholds.per_class)
        parts.append(f"Each class has a threshold of its own, {low:.3f} to {high:.3f}: below it, the class is not named.")
    parts.append(
        "AUROC is how often the highest probability of a known image is above that of an unknown one; 50 % is chance."
        if output.decides
        else "No threshold is set: every image is named, whatever it shows."
    )
    return " ".join(parts)


def _surest(rejects: Rejects, unknowns: Unknowns) -> list[Block]:
    """Return the unknown images with the highest probabilities; those that pass are among the mistakes."""
    photos = unknown_photos(rejects, passing=False)
    which = "The unknown images that are rejected, those" if rejects.output.decides else "The unknown images"
    return [Text(f"{which} with the highest probabilities by {unknowns.main}:"), Gallery(photos)] if photos else []


def unknown_photos(rejects: Rejects, *, passing: bool) -> list[Photo]:
    """Return the unknown images that pass as one of the classes, or the others, highest probability first."""
    surest = rejects.unknowns.most_sure if rejects.unknowns else ()
    return [_photo(rejects, one) for one in surest if bool(one.passes) == passing and (rejects.folder / one.file).is_file()]


def _photo(rejects: Rejects, one: UnknownImage) -> Photo:
    outcome = {None: "", True: "passes", False: "rejected"}[one.passes]
    lines = [line for line in (f"{one.class_name} ({percent(one.probability, 0)} %)", outcome) if line]
    content = (rejects.folder / one.file).read_bytes()
    alt, groups = f"{one.image} of {one.folder}; {'; '.join(lines)}", [("predicted as", one.class_name), ("unknown images of", one.folder)]
    return Photo(content, "jpeg", alt, f"{one.folder}: {one.image}", lines, groups)
