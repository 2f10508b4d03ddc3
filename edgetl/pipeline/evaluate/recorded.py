"""The records of a run about unknown images and its thresholds, as far as they are of its present files."""

import logging
from collections.abc import Mapping
from pathlib import Path

from edgetl.benchmarking.results import NAME as BENCHMARK
from edgetl.benchmarking.results import Benchmark
from edgetl.contract import Contract
from edgetl.errors import RunError
from edgetl.evaluation.parity import REFERENCE
from edgetl.evaluation.unknowns import NAME, ThresholdChoice, Unknowns
from edgetl.export.exported import exported_files
from edgetl.files import fingerprint, sha256
from edgetl.micro.estimate import NpuEstimate
from edgetl.output import Output
from edgetl.run_folder import RunFolder

logger = logging.getLogger(__name__)


def unknowns_of(run: RunFolder) -> Unknowns | None:
    """Return what is known of unknown images; None, with the reason in the log, where it is not of the run's present files."""
    if not (run.unknown / NAME).is_file() or not run.contract.is_file():
        return None
    try:
        found = Unknowns.read(run.unknown / NAME)
    except RunError as error:
        logger.warning(f"{error.problem}; it is left out")
        return None
    trained = run.compressed_model if run.compressed_model.is_file() else run.float_model
    there = {REFERENCE: trained} | {file.name: file.path for file in exported_files(run)}
    models = {name: there[name] for name in found.found.models if name in there and there[name].is_file()}
    if len(models) == len(found.found.models) and found.files == identity(Contract.read(run.contract).output, models):
        return found
    logger.warning(f"{run.unknown / NAME} is of other files or thresholds, and is left out; {Unknowns.REMEDY}")
    return None


def estimates_of(run: RunFolder) -> tuple[NpuEstimate, ...]:
    """Return what the run's benchmark estimates of its present files on NPUs; none where there is no benchmark that can be read."""
    if not (run.path / BENCHMARK).is_file():
        return ()
    try:
        measured = Benchmark.read(run.path / BENCHMARK)
    except RunError as error:
        logger.warning(f"{error.problem}; it is left out")
        return ()
    present = {sha256(file.path) for file in exported_files(run) if file.path.is_file()}
    return tuple(found for result, found in measured.estimated if measured.models[result.model].sha256 in present)


def identity(output: Output, models: Mapping[str, Path]) -> str:
    """Return the identity of thresholds and model files."""
    decided = output.model_dump(mode="json", include={"rejection", "thresholds"})
    return fingerprint(decided, {name: sha256(path) for name, path in models.items()})


def choice_of(run: RunFolder) -> ThresholdChoice | None:
    """Return how the contract's thresholds of the classes were chosen; None: it has none, or others than those that were chosen."""
    if not run.thresholds.is_file() or not run.contract.is_file():
        return None
    there = Contract.read(run.contract).output.thresholds
    try:
        choice = ThresholdChoice.read(run.thresholds)
    except RunError as error:
        logger.warning(f"{error.problem}; it is left out")
        return None
    if there is None or there.per_class != choice.per_class:
        return None
    if choice.made_for not in {stage.inputs for stage in run.read().stages.values()}:
        logger.warning(f"the thresholds of the classes were chosen for an earlier export: choose them again, see {run.thresholds}")
    return choice
