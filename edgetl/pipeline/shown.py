"""The predictions and images that a report shows: predictions as the validation kept them, and of the images those alone that are shown."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from edgetl.contract import Contract
from edgetl.data import images
from edgetl.data.base import Item
from edgetl.data.decode import BadImage
from edgetl.errors import DataError, RunError, UsageError
from edgetl.evaluation.parity import REFERENCE
from edgetl.evaluation.validation import Validation
from edgetl.pipeline import measured, recorded_images
from edgetl.pipeline.measured import KeptPredictions
from edgetl.pipeline.read_when_asked import pixels_as_recorded
from edgetl.report.page.blocks import Absent
from edgetl.report.page.facts import Predictions
from edgetl.run_folder import RunFolder
from edgetl.run_record import DataFacts, ExportFacts

logger = logging.getLogger(__name__)

_COMPARED = 2  # files beside the float model


def predictions_of(run: RunFolder, validation: Validation | None, data: str) -> Predictions | Absent:
    """Return the predictions of the float model and of two files on the images that measure, or why there are none.

    Args:
        data: where the run's images are now; empty: where it recorded them.
    """
    kept = measured.find(run) if validation else None
    if validation and kept and REFERENCE in kept.probabilities:
        names = _compared(validation, kept, f"{run.export.name}/")
        integer = _is_integer(run, validation)
        return _predictions(run, kept, (REFERENCE, *names), validation.main if integer else None, data)
    try:
        return _predicted_again(run, data)
    except (DataError, RunError) as error:  # the images are elsewhere, or nothing is exported: the other sections need no predictions
        problem, remedy = error.problem.replace(str(run.path), "the run"), error.remedy.replace(run.quoted, "RUN").removeprefix("run: ")
        return Absent("", problem, remedy) if remedy.startswith("edgetl ") else Absent("", f"{problem}; {remedy}")


def _compared(validation: Validation, kept: KeptPredictions, exports: str) -> list[str]:
    """Return the names of the main file and of the one most like it, of the files in the folder `exports`."""
    main = validation.main_model
    files = [name for name, one in validation.subjects.items() if name in kept.probabilities and one.file.startswith(exports)]
    return sorted(files, key=lambda name: (name != validation.main, validation.subjects[name].precision != main.precision))[:_COMPARED]


def _is_integer(run: RunFolder, validation: Validation) -> bool:
    exported = run.read().find(f"export_{validation.main_model.precision}", ExportFacts)
    return bool(exported and exported.choice)


def _predictions(run: RunFolder, kept: KeptPredictions, names: Sequence[str], quantized: str | None, data: str) -> Predictions:
    contract = Contract.read(run.contract)
    return Predictions(
        split=run.facts("data", DataFacts).measuring_split,
        class_names=contract.class_names,
        output=contract.output,
        label_ids=kept.label_ids,
        image_names=kept.names,
        read=_Images(run, contract, kept, data).pixels_of,
        probabilities={name: kept.probabilities[name] for name in names},
        reference=REFERENCE,
        quantized=quantized,
    )


def _predicted_again(run: RunFolder, data: str) -> Predictions:
    """Let the models predict what no validation kept. Raises DataError or RunError where they cannot."""
    from edgetl.export.exported import best_first
    from edgetl.pipeline.export.current import exported
    from edgetl.pipeline.project import Project
    from edgetl.runtimes import open_session, unverified
    from edgetl.runtimes.base import predict as predict_rows

    project = Project.open(run, data=data)
    found, rows = project.data.trained_images(), project.data.measuring_rows(project.recipe.validation.limit)
    files = best_first(file for file in exported(project) if not unverified(file.path))[:_COMPARED]
    sessions = {REFERENCE: project.models.float_session} | {file.name: open_session(file.path, project.contract) for file in files}
    kept = KeptPredictions(
        names=tuple(found.names[row] for row in rows),
        hashes=tuple(found.hashes[row] for row in rows),
        label_ids=found.label_ids[rows],
        probabilities={name: predict_rows(session, found.pixels, rows, name) for name, session in sessions.items()},
    )
    return _predictions(run, kept, tuple(sessions), next((file.name for file in files if file.integer), None), data)


@dataclass(frozen=True, eq=False)
class _Images:
    """Images of a run that measure, each read when it is shown."""

    run: RunFolder
    contract: Contract
    kept: KeptPredictions
    data: str

    def pixels_of(self, rows: Sequence[int]) -> list[NDArray[np.uint8] | None]:
        """Return uint8 [H, W, C] of the images in these rows as the models see them; None for one that is not there, or was changed."""
        there = [(self._items.get(self.kept.names[row]), self.kept.hashes[row]) for row in rows]
        return list(images.stream(there, partial(_read, self.contract)))

    @cached_property
    def _items(self) -> dict[str, Item]:
        try:
            listing = recorded_images.find(self.run, self.run.read().recipe, self.data)
        except (DataError, UsageError) as error:
            logger.warning(f"the report shows no images: {error.problem}; {error.remedy}")
            return {}
        return {item.name: item for item in listing.items}


def _read(contract: Contract, recorded: tuple[Item | None, str]) -> NDArray[np.uint8] | None:
    """Return the pixels of an item with the sha256 that it is to have; None where it is not there, cannot be used, or was changed."""
    item, digest = recorded
    try:
        return pixels_as_recorded(item, digest, contract) if item else None
    except (OSError, BadImage):
        return None
