"""The golden images of a bundle: made ones, which every app carries, and real ones, which go into the tests of an app alone."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgetl.data.base import names_shown
from edgetl.data.stored import make_room, read_array, write_array
from edgetl.data.tree import images_below
from edgetl.data.unknown import made
from edgetl.errors import RunError, UsageError
from edgetl.files import fingerprint, sha256
from edgetl.pipeline import measured
from edgetl.pipeline.predict import pixels_of
from edgetl.pipeline.project import Project
from edgetl.runtimes import unverified
from edgetl.runtimes.base import Session
from edgetl.runtimes.base import predict as predict_rows
from edgetl.ship import golden, synthetic
from edgetl.ship.golden import Golden
from edgetl.ship.manifest import EVERY_APP, TESTS, GoldenFolder, GoldenSet
from edgetl.wording import counted, joined, quoted

logger = logging.getLogger(__name__)

VALIDATION, SYNTHETIC = "validation", "synthetic"  # or a folder
_SEARCH = 2  # raise it when the search finds other images for the same file
_MADE = 64  # unknown images, of which a few become golden


@dataclass(frozen=True, eq=False)
class GoldenImages:
    """The golden images of a run's files.

    Args:
        files: the files in the run, whose predictions choose.
        contents: what the bundle holds of them, by name, whose predictions are recorded.
    """

    project: Project
    files: Sequence[Path]
    contents: Mapping[str, bytes]

    def sets(self, asked: str) -> tuple[dict[str, bytes], dict[GoldenFolder, GoldenSet]]:
        """Return the golden files of a bundle, and facts about each set by its folder: that of every app, and that of the tests.

        Args:
            asked: "validation" or a folder: where the images of the tests are from; "synthetic": the tests have none of their own.
        """
        synthetic_set, missing = self.synthetic()
        found: dict[GoldenFolder, tuple[Golden, str, tuple[str, ...]]] = {EVERY_APP: (synthetic_set, SYNTHETIC, missing)}
        if asked == VALIDATION:
            found[TESTS] = (self.validation(self._unknown()), VALIDATION, ())
        elif asked != SYNTHETIC:
            found[TESTS] = (self.chosen(Path(asked)), Path(asked).resolve().name, ())
        output = self.project.contract.output
        files = {name: content for folder, (one, _, _) in found.items() for name, content in one.files(output, folder).items()}
        facts = {
            folder: GoldenSet(images=len(one.pixels), source=source, missing_class_names=missing)
            for folder, (one, source, missing) in found.items()
        }
        return files, facts

    def synthetic(self) -> tuple[Golden, tuple[str, ...]]:
        """Return images made of noise, textures and drawings, and the names of the classes that none of them shows."""
        contract = self.project.contract
        images = self._found()
        predictions = self._session(images)
        shown = contract.output.present(predictions)
        names = tuple(contract.class_names[number] for number in np.flatnonzero(~shown.any(axis=0)))
        if names:
            first = ", ".join(quoted(names[:5])) + (", ..." if len(names) > 5 else "")
            logger.warning(f"the synthetic golden images show none of {counted(len(names), 'class')}: {first}")
        overlooked = synthetic.overlooked(self._session, images, predictions, contract.output)
        if overlooked:
            logger.warning(
                f"the synthetic golden images do not show that an app has {joined(overlooked)}, since the model rejects nearly all that is "
                "not a real image; the tests of an Android or iOS app try it on validation images"
            )
        return self._golden(images, contract.output.present_names(predictions)), names

    def _found(self) -> NDArray[np.uint8]:
        """Return the synthetic images, uint8 [N, H, W, C]: searched for once for a model's file, and kept in the run's cache."""
        run, contract = self.project.run, self.project.contract
        file = self._here[0] if self._here else self.project.models.float_path
        kept = run.cache / f"synthetic-{fingerprint(_SEARCH, sha256(file), contract.to_json())}.npy"
        images: NDArray[np.uint8] | None = read_array(kept)
        if images is None:
            made = synthetic.candidates(self._session, contract.shape, self._ascended)
            predictions = self._session(made)
            calm = synthetic.steady(self._session, made, predictions)
            images = made[calm[synthetic.choose_made(predictions[calm], contract.output).rows]]
            with suppress(OSError, RunError):  # where a run is only read, the next bundle searches again
                make_room(run.cache, "synthetic-*.npy", [images])
                write_array(kept, images)
        return images

    def validation(self, unknown: NDArray[np.uint8]) -> Golden:
        """Return validation images, and a few of these that show none of the classes, uint8 [U, H, W, C]."""
        images, contract = self.project.data.recorded, self.project.contract
        rows = images.rows("val")
        if len(unknown):
            predictions = predict_rows(self._session, unknown, np.arange(len(unknown)), "unknown images")
            unknown = unknown[golden.choose_unknown(predictions, contract.output)]
        names_of_rows = [images.names[row] for row in rows]
        first = measured.known(self.project.run, self._here[0], names_of_rows) if self._here else None
        if first is None:
            first = predict_rows(self._session, images.pixels, rows, "golden images")
        rows = rows[golden.choose(first, images.shown[rows], contract.output, golden.IMAGES - len(unknown))]
        names = [*(names_shown(own, contract.class_names) for own in images.label_ids[rows]), *[()] * len(unknown)]
        return self._golden(np.concatenate([images.pixels[rows], unknown]), names)

    def chosen(self, folder: Path) -> Golden:
        """Return images of a folder; what an image shows is the name of its own folder, or else what the model predicts."""
        contract = self.project.contract
        paths = images_below(str(folder)) if folder.is_dir() else []
        if not paths:
            raise UsageError(f"there are no images in {folder}", f"name a folder of images, '{VALIDATION}' or '{SYNTHETIC}' with --golden")
        pixels = np.stack([pixels_of(path, contract) for path in paths])
        predictions = self._session(pixels)
        guessed = contract.output.present_names(predictions)
        folders = [Path(path).parent.name for path in paths]
        named = [(name,) if name in contract.class_names else names for name, names in zip(folders, guessed, strict=True)]
        shown = np.array([[name in names for name in contract.class_names] for names in named])
        rows = golden.choose(predictions, shown, contract.output)
        return self._golden(pixels[rows], [named[row] for row in rows])

    def _ascended(self, images: NDArray[np.uint8], classes: Sequence[int]) -> NDArray[np.uint8]:
        from edgetl.ship.ascent import ascended  # here, since most models need no gradient, and it loads TensorFlow

        return ascended(self.project.models.float_model, self.project.contract, images, classes)

    @cached_property
    def _here(self) -> list[Path]:
        return [path for path in self.files if not unverified(path)]

    @cached_property
    def _sessions(self) -> dict[str, Session]:
        """Return the files that can be run here, opened once for all images."""
        return golden.sessions_of({path.name: self.contents[path.name] for path in self._here}, self.project.contract)

    @property
    def _session(self) -> Session:
        """The first file that can be run here, or else the Keras model behind it."""
        return self._sessions[self._here[0].name] if self._here else self.project.models.float_session

    def _golden(self, pixels: NDArray[np.uint8], names: Sequence[tuple[str, ...]]) -> Golden:
        """Return the images with each model's predictions; for a model that cannot be run here those of the Keras model behind it."""
        contract = self.project.contract
        true_class_names = tuple(names) if contract.output.several else tuple(next(iter(one), "") for one in names)
        predictions = {name: session(pixels) for name, session in self._sessions.items()}
        if len(self._here) < len(self.contents):
            reference = self.project.models.float_session(pixels)
            predictions = {name: predictions.get(name, reference) for name in self.contents}
        return Golden(pixels, true_class_names, predictions, golden.resized_mosaic(pixels, contract))

    def _unknown(self) -> NDArray[np.uint8]:
        """Return images of none of the classes: the run's own that were not learned from, or else made ones; none: every image is named."""
        project = self.project
        data, background = project.data, project.data.background
        if background is not None:
            return np.asarray(background.pixels[background.rows("val")])
        if not project.contract.output.rejection:
            return np.empty((0, *project.contract.shape), np.uint8)
        return made(data.recorded, _MADE, project.recipe.train.seed + 1)
