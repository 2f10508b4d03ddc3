"""Proves a bundle on this host."""

from pathlib import Path

import numpy as np

from edgetl.documents import Document
from edgetl.errors import RunError
from edgetl.overview import Overview
from edgetl.runtimes import unverified
from edgetl.ship import archive, golden, signature
from edgetl.ship.golden import Deviation, Golden
from edgetl.ship.manifest import CLASS_NAMES, MANIFEST, SIGNATURE, Verdict


class Verification(Document):
    """The proof of a bundle.

    `golden` has each model's distance from its golden predictions, and how many images it decides otherwise; `unverified` the models that
    cannot be run here with the reason.
    """

    bundle: str
    name: str
    version: str
    signed: bool
    signature_checked: bool
    validation: Verdict
    golden: dict[str, Deviation]
    unverified: dict[str, str]
    resize_max_levels: int

    def overview(self) -> Overview:
        """Return each model's distance from its golden predictions."""
        rows = [(name, f"{far.max_steps:g}", f"{far.mean_steps:g}", str(far.other_decisions)) for name, far in self.golden.items()]
        unverified = [f"{name} is unverified: {reason}" for name, reason in self.unverified.items()]
        signed = "signed" if self.signature_checked else "signed, the key was not checked" if self.signed else "not signed"
        return Overview(
            f"{self.name}, version {self.version} ({signed})", ("model", "max steps of 1/256", "mean", "other decisions"), rows, unverified
        )


def verify(path: Path, key: Path | None = None) -> Verification:
    """Read a bundle, check its hashes, its signature if a public key is given, and run its golden images on this host.

    Raises RunError (damaged, or not signed by that key) or ParityError (other predictions than when it was made).
    """
    manifest, files = archive.read(path)
    if key:
        signature.check(files[MANIFEST], files.get(SIGNATURE), key)
    contract = manifest.contract
    if files.get(CLASS_NAMES) != contract.class_name_lines:
        raise RunError(f"{path}: {CLASS_NAMES} has other class names than the manifest", "get the bundle again from its maker")
    elsewhere = {name: facts.unverified for name, facts in manifest.models.items() if unverified(Path(name))}
    sets = {folder: Golden.of(files, contract, folder) for folder in manifest.golden_folders}
    for wanted in sets.values():
        missing = set(manifest.models) ^ set(wanted.predictions) | (set(manifest.models) - set(files))
        if missing:
            problem = f"{path}: there is a model or golden predictions for it, not both: {sorted(missing)[0]}"
            raise RunError(problem, "bundle the run again")
    here = {name: files[name] for name in manifest.models if name not in elsewhere}
    pixels = [wanted.pixels for wanted in sets.values()]
    ends = np.cumsum([len(images) for images in pixels])[:-1]
    deviations = {}
    for name, session in golden.sessions_of(here, contract).items():
        parts = zip(sets.values(), np.split(session(np.concatenate(pixels)), ends), strict=True)
        deviations[name] = Deviation.together([golden.check(name, one.predictions[name], part, contract.output) for one, part in parts])
    return Verification(
        bundle=str(path),
        name=manifest.name,
        version=manifest.version,
        signed=SIGNATURE in files,
        signature_checked=key is not None,
        validation=manifest.validation,
        golden=deviations,
        unverified=elsewhere,
        resize_max_levels=max(golden.check_resize(one.resized, golden.resized_mosaic(one.pixels, contract)) for one in sets.values()),
    )
