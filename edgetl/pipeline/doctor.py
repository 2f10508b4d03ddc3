"""Images to what may be wrong with them: a page, a JSON file, and a list of what is better left out. The images are only read."""

import json
import logging
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray

from edgetl.data import exclude, images, reading
from edgetl.data.base import SPLITS, Listing, Rejected
from edgetl.data.stored import read_array, write_array
from edgetl.diagnosis import CHECKS
from edgetl.diagnosis.alike import find_pairs
from edgetl.diagnosis.base import Finding, Look, Seen
from edgetl.diagnosis.copies import all_alike
from edgetl.diagnosis.labels import judged_classes
from edgetl.diagnosis.look import look_at
from edgetl.errors import DataError, UsageError
from edgetl.files import atomic, fingerprint, sha256, write_json
from edgetl.pipeline.project import listing_of
from edgetl.recipe import Recipe
from edgetl.report.page import doctor as report
from edgetl.run_folder import RunFolder

logger = logging.getLogger(__name__)

_VERSION = 1  # raise it when the same images give other features
OUT = Path("doctor")  # where findings go when no folder is named

Findings = Mapping[str, tuple[Finding, ...]]


@dataclass(frozen=True)
class Written:
    """The files of an examination."""

    page: Path
    findings: Path
    exclude: Path


def doctor(recipe: Recipe, out: Path | None, fast: bool) -> tuple[Written, dict[str, Any]]:
    """Examine the recipe's images; gives the files and what doctor.json holds.

    Args:
        out: a folder; a run's: its splits are examined, and its report shows what was found.
        fast: without features, so that wrong labels, and near copies that were cropped, are not found.
    """
    started = time.monotonic()
    source = Path(recipe.data.source)
    out = out or OUT / (source.resolve().stem or "data")
    _check_out(out, source)
    recipe = _as_the_run(out, recipe)
    listing = listing_of(recipe)
    seen = _see(listing, recipe, out / "cache", fast)
    found = {name: tuple(sorted(CHECKS.load(name)(seen), key=lambda one: -one.score)) for name in CHECKS}
    document = _document(listing, seen, found, fast) | {"seconds": round(time.monotonic() - started, 1)}
    return _write(listing, seen, found, document, out), document


def _check_out(out: Path, source: Path) -> None:
    if source.is_dir() and out.resolve().is_relative_to(source.resolve()):
        raise UsageError(f"{out} is inside the data, which are never changed", "choose another folder with --out")
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file", "choose a folder with --out")


def _as_the_run(out: Path, recipe: Recipe) -> Recipe:
    """A run's own recipe where `out` is one, so that its own splits are examined."""
    if not RunFolder(out).record.exists():
        return recipe
    own, source = RunFolder.open(out).read().recipe, Path(recipe.data.source)
    if own.data.source not in (recipe.data.source, str(source.resolve())):
        raise UsageError(f"{out} is a run on other images, {own.data.source}", "name those, or another folder with --out")
    return own


def _see(listing: Listing, recipe: Recipe, cache: Path, fast: bool) -> Seen:
    looks, rejected, features = _read(listing, cache, fast)
    rows = [row for row, look in enumerate(looks) if look]
    items, usable = [listing.items[row] for row in rows], tuple(look for look in looks if look)
    if not items:
        raise DataError(f"{listing.source} has no image that can be used", "JPEG, PNG, BMP, GIF and WebP images are read")
    labels = np.array([listing.class_names.index(item.class_name) for item in items], np.int64)
    hashes, data = [look.sha256 for look in usable], recipe.data
    splits = images.split(listing, items, hashes, labels.tolist(), data.val_fraction, data.test_fraction, recipe.train.seed)
    pairs = find_pairs(usable, features)
    return Seen(listing.class_names, tuple(item.name for item in items), labels, tuple(splits), usable, rejected, pairs, features)


def _read(listing: Listing, cache: Path, fast: bool) -> tuple[list[Look | None], tuple[Rejected, ...], NDArray[np.float32] | None]:
    """A look at each listed file (None: no usable image), all rejected ones, and the features of the usable ones, kept in the cache."""
    from edgetl.diagnosis import network

    contract = network.input_contract(listing.class_names)
    parts = network.BACKBONE, network.ALPHA, network.IMAGE_SIZE, network.WEIGHTS, PIL.__version__
    path = cache / f"doctor-{fingerprint(_VERSION, listing.stamp, *parts)}.npy"
    known = None if fast else read_array(path)
    compute = None if fast or known is not None else network.load(contract)
    looks: list[Look | None] = []
    rejected, waiting, made = list(listing.rejected), [], []
    for item, outcome in zip(listing.items, reading.stream(listing.items, partial(look_at, contract)), strict=True):
        looks.append(outcome.look)
        if outcome.pixels is None:
            rejected.append(Rejected(item.name, outcome.reason))
        elif compute:
            waiting.append(outcome.pixels)
            if len(waiting) == network.BATCH:
                made.append(compute(np.stack(waiting)))
                waiting.clear()
    if compute and waiting:
        made.append(compute(np.stack(waiting)))
    if made:
        known = np.concatenate(made)
        write_array(path, known)
    return looks, tuple(rejected), known


def _document(listing: Listing, seen: Seen, found: Findings, fast: bool) -> dict[str, Any]:
    counts = Counter(zip(seen.splits, seen.label_ids.tolist(), strict=True))
    sure = dict.fromkeys(name for findings in found.values() for one in findings for name in one.exclude)
    doubtful = dict.fromkeys(name for findings in found.values() for one in findings for name in one.consider if name not in sure)
    return {
        "schema": 1,
        "source": listing.source,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "data": listing.stamp,
        "images": len(seen.names),
        "counts": {split: {name: counts[split, label] for label, name in enumerate(seen.class_names)} for split in SPLITS},
        "notes": _notes(listing, seen, fast),
        "summary": {name: len(findings) for name, findings in found.items()},
        "findings": {name: [one.to_dict() for one in findings] for name, findings in found.items()},
        "exclude": list(sure),
        "consider": list(doubtful),
    }


def _notes(listing: Listing, seen: Seen, fast: bool) -> list[str]:
    notes = []
    if "val" not in {item.split for item in listing.items}:
        notes.append("the source gives no validation split: leaks are those across the split that training makes of it")
    if all_alike(seen):
        notes.append("many images are nearly the same as another one: if that is their nature, take copies seriously in exact ones only")
    if fast:
        return [*notes, "--fast: wrong labels were not looked for, and copies that were cropped are mostly missed"]
    unjudged = sorted(set(range(len(seen.class_names))) - set(judged_classes(seen.label_ids).tolist()))
    if unjudged:
        notes.append(f"too few images to judge the labels of {', '.join(repr(seen.class_names[label]) for label in unjudged)}")
    return notes


def _write(listing: Listing, seen: Seen, found: Findings, document: dict[str, Any], out: Path) -> Written:
    written = Written(out / "doctor.html", out / "doctor.json", _exclude_file(out))
    with atomic(written.exclude) as temporary:
        temporary.write_text(_exclude_text(found, document), encoding="utf-8")
    document |= {"exclude_sha256": sha256(written.exclude)}
    page = report.page(document, found, {item.name: item for item in listing.items})
    with atomic(written.page) as temporary:
        temporary.write_text(page, encoding="utf-8")
    write_json(written.findings, document)
    return written


def _exclude_file(out: Path) -> Path:
    """exclude.txt, unless somebody has worked on the one that is there."""
    path, before = out / "exclude.txt", None
    if not path.exists():
        return path
    with suppress(OSError, ValueError, AttributeError):
        before = json.loads((out / "doctor.json").read_text(encoding="utf-8")).get("exclude_sha256")
    if before == sha256(path):
        return path
    logger.warning(f"{path} was changed by hand and is kept; the new list is beside it")
    return out / "exclude-new.txt"


def _exclude_text(found: Findings, document: Mapping[str, Any]) -> str:
    lines = [
        f"# Images of {document['source']!r} that are better left out: 'edgetl train DATA --exclude FILE' takes this list.",
        "# Lines that begin with # are not taken: look at those images in doctor.html, and remove the # where you agree.",
    ]
    told: set[str] = set()
    sure = set(document["exclude"])
    for check, findings in found.items():
        names = list(dict.fromkeys(name for one in findings for name in one.exclude + one.consider if name not in told))
        told.update(names)
        if names:
            lines += ["", f"# {check}: {CHECKS.summary(check)}"]
            lines += [exclude.line(name) if name in sure else f"#{exclude.line(name)}" for name in names]
    return "\n".join(lines) + "\n"
