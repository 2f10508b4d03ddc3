"""The float stage of a network that was trained elsewhere: it is kept as it is."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edgetl.keras import device_name

from edgetl.backbones import keras_file
from edgetl.errors import RunError
from edgetl.float_record import Reached
from edgetl.pipeline.imported.own import session_of
from edgetl.pipeline.measuring import rightly
from edgetl.pipeline.project import ImportedNetwork, Project
from edgetl.pipeline.train.rejection import find_rejection, rejecting
from edgetl.quantization.quantized import QuantizationResult
from edgetl.run_record import DataFacts, FloatFacts, RangeMethod

logger = logging.getLogger(__name__)


def keep(project: Project, source: ImportedNetwork) -> tuple[Sequence[Path], FloatFacts]:
    """Keep the network as it is: it was trained elsewhere."""
    rejection = find_rejection(project, source.model, inside=not project.recipe.quantize.own)  # integers of a file's own stay as they are
    model = rejecting(project, source.model, rejection)
    keras_file.save(model, project.run.float_model)
    project.contract.write(project.run.contract)
    project.models.take(model)
    facts = FloatFacts(
        device=device_name(),
        replicas=1,
        precision=source.model.compute_dtype,
        class_weights=(),
        held_out=len(project.data.rows("train")) - len(project.data.choosing.rows("train")),
        imported=replace(source.facts, reached=_reached(project, source)),
        rejection=rejection,
    )
    return [project.run.float_model, project.run.contract], facts


def _reached(project: Project, source: ImportedNetwork) -> Reached | None:
    """Return what the network gets right as it was imported; None: there are no labels."""
    data = project.run.facts("data", DataFacts)
    if data.truth != "labels":
        return None
    with session_of(source, project.contract) as session:
        right = rightly(project, session)
    reached = Reached(data.measuring_split, len(right), int(right.sum()))
    logger.info(f"{source.facts.file}: {reached}")
    return reached


def own_integers(project: Project) -> QuantizationResult:
    """Return the integers of the file that is imported. Raises RunError where it is not at hand."""
    if project.source is None or project.source.quantized is None:
        raise RunError(f"the integers of {project.run.path} are gone", "run the same 'edgetl import' command again")
    return QuantizationResult(project.source.quantized, RangeMethod(project.recipe.quantize.ranges))
