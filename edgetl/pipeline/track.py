"""A run in an MLflow store: a SQLite file, a folder, or a tracking server."""

import logging
import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from edgetl.accuracy import figure
from edgetl.errors import DependencyError, RunError
from edgetl.evaluation.validation import Validation
from edgetl.files import fingerprint
from edgetl.recipe import Recipe
from edgetl.run_folder import RunFolder
from edgetl.software import install

logger = logging.getLogger(__name__)

_EXPERIMENT = "edgetl"
_BATCH = 900  # figures a request: a server takes 1000 at most
_RETRIES = "2"  # a server that does not answer is reported in seconds, not minutes


def check(recipe: Recipe) -> None:
    """Check the recipe before anything is trained. Raises DependencyError when MLflow is asked for and not installed."""
    if recipe.track.mlflow and not find_spec("mlflow"):
        raise DependencyError(f"tracking in {recipe.track.mlflow} needs the Python package mlflow", install("mlflow"))


def track(run: RunFolder, recipe: Recipe) -> None:
    """Track settings, every epoch, the validation's figures and the files, unless this very state of the run is there already."""
    uri = recipe.track.mlflow
    if not uri:
        return
    check(recipe)
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # a folder was asked for by name
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", _RETRIES)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # nothing leaves this machine but to the store
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

    try:
        # Without a scheme it is a folder: absolute, since MLflow takes some names for addresses.
        client = MlflowClient(tracking_uri=uri if ":" in uri else Path(uri).absolute().as_uri())
        _send(client, run, recipe, uri)
    except (MlflowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise RunError(
            f"cannot write to the MLflow store {uri}: {reason}", f"{run.path} itself is complete; correct track.mlflow"
        ) from error


def _send(client: Any, run: RunFolder, recipe: Recipe, uri: str) -> None:
    from mlflow.entities import Metric, Param

    record = run.read()
    state = fingerprint({name: stage.inputs for name, stage in record.stages.items()})
    experiment = _experiment(client, uri)
    if client.search_runs([experiment], f"tags.`edgetl.state` = '{state}'", max_results=1):
        logger.info(f"MLflow: this state of {run.path.name} is tracked already")
        return
    tags = {"edgetl.state": state, "edgetl.run": run.path.name, "edgetl.version": record.edgetl}
    made = client.create_run(experiment, run_name=run.path.resolve().name, tags=tags)
    number = made.info.run_id
    tables = recipe.model_dump(exclude={"track"})
    settings = [Param(f"{table}.{key}", str(value)) for table, values in tables.items() for key, value in values.items()]
    client.log_batch(number, params=settings)
    now = int(time.time() * 1000)
    metrics = [Metric(name, float(value), now, step) for name, value, step in _figures(run)]
    for start in range(0, len(metrics), _BATCH):
        client.log_batch(number, metrics=metrics[start : start + _BATCH])
    for file in (run.record, run.validation, run.path / "report.html"):
        if file.is_file():
            client.log_artifact(number, str(file))
    if run.export.is_dir():
        client.log_artifacts(number, str(run.export), "export")
    client.set_terminated(number)
    logger.info(f"MLflow: tracked as {number} in {uri}")


def _experiment(client: Any, uri: str) -> str:
    """Return the number of the experiment, made the first time. Files of a SQLite store go beside it, not to wherever the command runs."""
    known = client.get_experiment_by_name(_EXPERIMENT)
    if known:
        return str(known.experiment_id)
    database = Path(uri.removeprefix("sqlite:///")).absolute() if uri.startswith("sqlite:///") else None
    return str(client.create_experiment(_EXPERIMENT, database and (database.parent / "mlartifacts").as_uri()))


def _figures(run: RunFolder) -> Iterator[tuple[str, float, int]]:
    """Yield (name, value, step) of every epoch and of the validation, where there is one of these files."""
    record = run.read()
    for name, training in record.trainings():
        for step, epoch in enumerate(training.epochs, 1):
            yield from ((f"{name}/{key}", value, step) for key, value in asdict(epoch).items() if value is not None)
    if "validate" not in record.stages or not run.validation.is_file():
        return
    validation = Validation.of(run)
    for name, subject in validation.subjects.items():
        accuracy = subject.accuracy
        if validation.truth == "labels":
            found = figure(accuracy)
            yield f"{name}/{'top1_accuracy' if found.metric == 'top-1' else 'mean_average_precision'}", found.value, 0
            yield f"{name}/macro_f1", accuracy.macro_f1, 0
            yield f"{name}/loss", accuracy.loss, 0
        yield f"{name}/size_bytes", subject.size_bytes, 0
        yield f"{name}/latency_p50_ms", subject.latency_ms.p50, 0
