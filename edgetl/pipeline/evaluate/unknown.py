"""Evaluate a run's models on folders of images that show none of its classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgetl.data import unlabelled
from edgetl.data.base import Images, Listing
from edgetl.data.images import load
from edgetl.data.labels import as_text
from edgetl.errors import UsageError
from edgetl.evaluation.rejection import Scored, rejection
from edgetl.evaluation.unknowns import NAME, Rejecting, UnknownFolder, UnknownImage, Unknowns
from edgetl.files import atomic
from edgetl.output import Output
from edgetl.pipeline.evaluate.recorded import identity
from edgetl.pipeline.project import Project
from edgetl.pipeline.reading import load_options, reading
from edgetl.report.plots.thumbnail import thumbnail
from edgetl.run_folder import RunFolder
from edgetl.runtimes.base import Session
from edgetl.runtimes.base import predict as predict_rows

_SHOWN = 24  # unknown images, those with the highest probabilities
_MOST_SHOWN = 200  # of them where that many pass: they are what an app gets wrong
_CACHE = "unknown"  # apart from the run's own pixels, which would else be read again


@dataclass(frozen=True, eq=False)
class Known:
    """Images of the classes: probabilities [N, K] by model, labels [N], and which images they are, in words."""

    probabilities: Mapping[str, NDArray[np.floating]]
    label_ids: NDArray[np.integer]
    measured_on: str


@dataclass(frozen=True, eq=False)
class _Folder:
    """A folder's images: names, probabilities [M, K] by model, and pixels by row of those that the main model is surest of."""

    facts: UnknownFolder
    names: tuple[str, ...]
    probabilities: Mapping[str, NDArray[np.floating]]
    surest: Mapping[int, NDArray[np.uint8]]


def listings(project: Project, folders: Sequence[Path]) -> dict[str, Listing]:
    """List all images below each folder, by a name that tells the folders apart. Raises DataError or UsageError before any is read."""
    if len({folder.resolve() for folder in folders}) != len(folders):
        raise UsageError("a folder of unknown images was named twice", "name each once")
    found = {}
    for folder, name in zip(folders, _names(folders), strict=True):
        listing = unlabelled.find(str(folder), reading(project.recipe))
        found[name] = replace(listing, items=tuple(replace(item, split="val") for item in listing.items))
    return found


def _names(folders: Sequence[Path]) -> list[str]:
    """Return as much of each path's end as tells the folders apart, and no more: a report is read elsewhere."""
    parts = [folder.resolve().parts for folder in folders]
    names = []
    for own in parts:
        lengths = (count for count in range(1, len(own)) if [other[-count:] for other in parts].count(own[-count:]) == 1)
        names.append(as_text(Path(*own[-next(lengths, len(own)) :]).as_posix()))
    return names


def rejecting(
    project: Project, known: Known, sessions: Mapping[str, Session], unknown: Mapping[str, Listing]
) -> tuple[Rejecting, tuple[UnknownImage, ...]]:
    """Score how the models tell unknown images from known ones, and write thumbnails of those with the highest probabilities.

    Args:
        sessions: by model, the main one first.
        unknown: images by their folder's name, see `listings`.
    """
    output, main = project.contract.output, next(iter(sessions))
    folders = [_predicted(project, sessions, name, listing) for name, listing in unknown.items()]
    models = {
        name: rejection(
            _judged(output, probabilities),
            probabilities.argmax(axis=1) == known.label_ids,
            [_judged(output, folder.probabilities[name]) for folder in folders],
        )
        for name, probabilities in known.probabilities.items()
    }
    found = Rejecting(measured_on=known.measured_on, folders=tuple(folder.facts for folder in folders), models=models)
    return found, tuple(_most_sure(project, main, folders))


def keep(run: RunFolder, output: Output, models: Mapping[str, Path], found: Rejecting, most_sure: tuple[UnknownImage, ...]) -> None:
    """Write unknown/unknown.json, for report, card and bundle."""
    Unknowns(files=identity(output, models), main=next(iter(models)), found=found, most_sure=most_sure).write(run.unknown / NAME)


def _judged(output: Output, probabilities: NDArray[np.floating]) -> Scored:
    scores = probabilities.max(axis=1)
    return Scored(scores, np.asarray(output.present(probabilities).any(axis=1)) if output.decides else None)


def _predicted(project: Project, sessions: Mapping[str, Session], name: str, listing: Listing) -> _Folder:
    options = replace(load_options(project.recipe, project.run.cache / _CACHE), max_bad_fraction=1.0)
    images = load(listing, project.contract, options)
    rows = np.arange(len(images.names))
    probabilities = {model: predict_rows(session, images.pixels, rows, f"{model}, {name}") for model, session in sessions.items()}
    surest = np.argsort(-next(iter(probabilities.values())).max(axis=1), kind="stable")[:_MOST_SHOWN].tolist()
    return _Folder(
        facts=_facts(project, name, images),
        names=images.names,
        probabilities=probabilities,
        surest={row: np.array(images.pixels[row]) for row in surest},
    )


def _facts(project: Project, name: str, unknown: Images) -> UnknownFolder:
    """Return the facts of a folder, with the images that the run has itself: of its classes, or unknown ones that it learned from."""
    background, own = project.data.background, set(project.data.images.hashes)
    learned = {background.hashes[row] for row in background.rows("train")} if background else set[str]()
    own_images, learned_images = (sum(content in contents for content in unknown.hashes) for contents in (own, learned))
    return UnknownFolder(name=name, images=len(unknown.names), own=own_images, learned=learned_images)


def _most_sure(project: Project, main: str, folders: Sequence[_Folder]) -> list[UnknownImage]:
    """Write thumbnails of the surest of all folders, and return their predictions."""
    for stale in project.run.unknown.glob("*.jpg"):
        stale.unlink()
    surest = sorted(
        ((float(folder.probabilities[main][row].max()), folder, row) for folder in folders for row in folder.surest),
        key=lambda one: -one[0],
    )
    found, output = [], project.contract.output
    passing = sum(bool(_passes(output, folder.probabilities[main][row])) for _, folder, row in surest)
    for number, (probability, folder, row) in enumerate(surest[: min(max(_SHOWN, passing), _MOST_SHOWN)], 1):
        file, probabilities = f"{number:02}.jpg", folder.probabilities[main][row]
        with atomic(project.run.unknown / file) as temporary:
            temporary.write_bytes(thumbnail(folder.surest[row]))
        found.append(
            UnknownImage(
                folder=folder.facts.name,
                image=folder.names[row],
                class_name=project.contract.class_names[int(probabilities.argmax())],
                probability=probability,
                passes=_passes(output, probabilities),
                file=file,
            )
        )
    return found


def _passes(output: Output, probabilities: NDArray[np.floating]) -> bool | None:
    passed = _judged(output, probabilities[None]).passed
    return None if passed is None else bool(passed[0])
