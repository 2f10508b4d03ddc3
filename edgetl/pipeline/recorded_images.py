"""The images of a run that is opened again: where it recorded them, or the same ones elsewhere, known by their contents."""

import hashlib
import logging
from dataclasses import replace
from pathlib import Path

from edgetl.data import exclude, images, sources, unknown, unlabelled
from edgetl.data.base import Images, Item, Listing
from edgetl.data.index import DataIndex
from edgetl.errors import DataError, UsageError, listed
from edgetl.pipeline.reading import reading
from edgetl.recipe import Recipe, restore
from edgetl.run_folder import RunFolder
from edgetl.run_record import DataFacts
from edgetl.wording import counted

logger = logging.getLogger(__name__)

_ELSEWHERE = "if the same images lie elsewhere now, name that place: --data PATH (in Python: edgetl.Run(RUN, data=PATH))"


def listing_of(recipe: Recipe) -> Listing:
    """Return what the recipe's source holds, without what is left out, of a run that has no images noise.

    Raises DataError, or UsageError for the list of exclusions, or for images without labels that a network was to learn from.
    """
    data = recipe.data
    if not recipe.has_images:
        return unlabelled.noise()
    if data.layout == "unlabelled":
        if not recipe.model.imported:
            raise UsageError("images without labels were given (data.layout=unlabelled)", "only 'edgetl import' can do without labels")
        listing = unlabelled.find(data.source, reading(recipe))
    else:
        listing = sources.find(data.source, reading(recipe))
    if data.exclude:
        listing = exclude.apply(listing, data.exclude)
    return _with_background(listing.limited(data.limit), recipe)


def _with_background(listing: Listing, recipe: Recipe) -> Listing:
    """Set apart the images that show none of the classes, as the source and the recipe name them."""
    folder = recipe.reject.background
    if listing.several:
        _refuse_rejection(listing, recipe)
        return listing
    listing, background = unknown.apart(listing)
    if folder:
        given = unlabelled.find(folder, reading(recipe))
        background = unknown.together(given, background)
    if background and recipe.reject.keep == 0:
        problem = f"{counted(len(background.items), 'image')} of none of the classes were given, and reject.keep = 0 rejects nothing"
        raise UsageError(problem, "leave the background out, or set reject.keep above 0, such as 0.95")
    return replace(listing, background=background)


def _refuse_rejection(listing: Listing, recipe: Recipe) -> None:
    """Raise UsageError where images of none of several classes are asked to be rejected."""
    asked = {
        "a folder of background images": recipe.reject.background,
        f"reject.keep = {recipe.reject.keep}": recipe.reject.keep not in ("auto", 0),
        f"the class {unknown.CLASS_NAME}": unknown.CLASS_NAME in listing.class_names,
    }
    for what, given in asked.items():
        if given:
            problem = f"{what} was given, but a multi-label model rejects nothing: an image of none of the classes is below all thresholds"
            raise UsageError(problem, "leave it out; list such images without a label in the CSV file")


def find(run: RunFolder, recipe: Recipe, data: str) -> Listing:
    """List a run's images.

    Args:
        data: where they are now, in whatever order and under whatever names; empty: where the recipe says.

    Raises DataError when they are not there, with those that are missing.
    """
    if data and Path(data).is_dir() and run.facts("data", DataFacts).task == "multi-label":
        return _same(run, unlabelled.find(data, reading(recipe)), recipe.data.source)  # whose labels no folder says, but the run does
    if data:
        elsewhere = {"data.source": data, "data.exclude": "", "data.limit": 0}  # what the run left out, its index does not name
        return _same(run, listing_of(restore(recipe.model_dump(), options=elsewhere)), recipe.data.source)
    try:
        listing = listing_of(recipe)
        return listing if listing.labelled else _same(run, listing, recipe.data.source)
    except (DataError, UsageError) as error:
        remedy = _ELSEWHERE if isinstance(error, DataError) else f"{error.remedy}; {_ELSEWHERE}"
        raise type(error)(f"{run.path} recorded its images at {recipe.data.source}: {error.problem}", remedy) from error


def check(run: RunFolder, found: Images) -> None:
    """Raise DataError, which lists what is missing, unless these are the images that the run recorded."""
    if found.fingerprint == run.facts("data", DataFacts).fingerprint:
        return
    index = _index(run)
    there = set(found.hashes)
    missing = [image.name for image in index.images if image.sha256 not in there]
    new = len(there - {image.sha256 for image in index.images})
    lost = f"{len(missing)} of {len(index.images)} are missing or were changed" if missing else "their names, labels or splits are others"
    raise DataError(
        f"the images in {found.source} are not those that {run.path} was trained on: {lost}, {new} are new{listed(missing)}",
        f"train again (the same command does it), or restore the old images; {_ELSEWHERE}",
    )


def _same(run: RunFolder, listing: Listing, recorded: str) -> Listing:
    """Return the run's images, with the names, labels and splits that it recorded, as the listing has their contents."""
    index = _index(run)
    there: dict[str, Item] = {}
    for sha256, item in zip(images.stream(listing.items, _sha256), listing.items, strict=True):
        there.setdefault(sha256, item)
    missing = [image.name for image in index.images if image.sha256 not in there]
    if missing:
        raise DataError(
            f"{listing.source} lacks {len(missing)} of the {counted(len(index.images), 'image')} that {run.path} was trained on:"
            f"{listed(missing)}",
            f"the run recorded them at {recorded}: name a place that has them all, as they were",
        )
    more = len(there.keys() - {image.sha256 for image in index.images})
    if more or listing.source != recorded:
        logger.info(f"images: those of {run.path}, from {listing.source}" + (f"; {more} more are there, and not used" if more else ""))
    items = tuple(replace(there[one.sha256], name=one.name, class_name=one.class_name, split=one.split) for one in index.images)
    same = replace(listing, class_names=index.class_names, items=items, rejected=(), complete=False, task=index.task)
    complete = len(same.present) == len(index.class_names)  # as it was when they were recorded
    return replace(same, complete=complete, labelled=listing.labelled or same.several)


def _index(run: RunFolder) -> DataIndex:
    run.intact("data")
    return DataIndex.read(run.data)


def _sha256(item: Item) -> str:
    try:
        return hashlib.sha256(item.read()).hexdigest()
    except OSError:  # it is missing for whoever looks for it
        return ""
