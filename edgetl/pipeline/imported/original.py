"""The file that a run was imported from, run as its makers run it: the first member of the parity table."""

import json
import logging
import sys
import tempfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from edgetl.devices.process import Surroundings, call
from edgetl.errors import DeviceError, RunError
from edgetl.evaluation.parity import REFERENCE, Tolerance
from edgetl.export.exported import exported_files
from edgetl.float_record import Imported
from edgetl.importing import identity, kind
from edgetl.importing.convention import convention
from edgetl.importing.rejection import REJECTING
from edgetl.pipeline.project import Project
from edgetl.quantization.bounds import ENGINES, SAME_INTEGERS
from edgetl.run_record import FloatFacts
from edgetl.wording import counted

logger = logging.getLogger(__name__)

_OF_SHARES = replace(
    ENGINES, min_top1_agreement=0.98, max_drop_points=2.0, reason="the original's classes share few steps where it rejects"
)

ORIGINAL = "original"
_PROGRAM = Path(__file__).with_name("original_program.py")
_LONGEST_S = 3600.0  # for all images, on a slow machine


@dataclass(frozen=True, eq=False)
class Ran:
    """Holds what the original gives: probabilities float32 [N, K], and the milliseconds of single images.

    Args:
        tolerances: how closely others have to agree with it.
    """

    runtime: str
    probabilities: NDArray[np.float32]
    latency_ms: NDArray[np.float64]
    tolerances: tuple[Tolerance, ...]


@dataclass(frozen=True, eq=False)
class Original:
    """The file that a run was imported from; `ran`: None where there is none, or it cannot be run, for the reason in `unverified`."""

    path: Path
    ran: Ran | None = None
    unverified: dict[str, str] = field(default_factory=dict)


def original_of(project: Project, rows: NDArray[np.int64]) -> Original:
    """Run the original on these images, where the run was imported."""
    facts, path = project.run.facts("float", FloatFacts).imported, Path(project.recipe.model.weights)
    if facts is None:
        return Original(path)
    try:
        if not path.exists() or identity(path) != facts.sha256:
            raise RunError(f"{path} is not there any more, or was changed", "restore the original file to compare with it")
        return Original(path, _run(project, facts, path, rows))
    except (DeviceError, RunError) as error:
        why = f"{error.problem}; {error.remedy}" if error.remedy else error.problem
        logger.warning(f"the original cannot be run here: {why}")
        return Original(path, unverified={ORIGINAL: why})


def _tolerances(project: Project, facts: Imported, path: Path) -> tuple[Tolerance, ...]:
    """Return what has to agree with the original: the float model, of a quantized file those with its integers instead."""
    if not facts.quantized:
        return (_tolerance(facts),)
    files = [file for file in exported_files(project.run) if file.integer]
    bounds = [(file.name, SAME_INTEGERS if file.path.suffix == path.suffix.lower() else ENGINES) for file in files]
    if facts.activation == REJECTING:
        bounds = [(file.name, _OF_SHARES) for file in files]
    return tuple(Tolerance(ORIGINAL, name, **asdict(bound)) for name, bound in bounds)


def _tolerance(facts: Imported) -> Tolerance:
    if facts.same_at_borders:
        reason = "the same float arithmetic in another order"
        return Tolerance(ORIGINAL, REFERENCE, min_top1_agreement=0.999, max_mean_abs_dp=1e-4, max_drop_points=0.1, reason=reason)
    reason = "the same network, but for the pixel that stands outside of the image in its first layer"
    return Tolerance(ORIGINAL, REFERENCE, min_top1_agreement=0.98, max_mean_abs_dp=0.02, max_drop_points=0.5, reason=reason)


def _run(project: Project, facts: Imported, path: Path, rows: NDArray[np.int64]) -> Ran:
    found, settings = convention(facts.preprocessing, project.contract.shape[2]), project.recipe.validation
    feed = {
        "mean": found.mean,
        "std": found.std,
        "order": found.order,
        "channels_first": facts.channels_first,
        "takes": facts.takes and asdict(facts.takes),
        "gives": facts.gives and asdict(facts.gives),
        "legacy": facts.producer.startswith("Keras 2"),
        "warmup_runs": settings.warmup_runs,
        "timed_runs": settings.timed_runs,
    }
    of = kind(path)
    with tempfile.TemporaryDirectory(prefix="edgetl-") as name:
        folder = Path(name)
        (folder / "feed.json").write_text(json.dumps(feed), encoding="utf-8")
        np.save(folder / "images.npy", np.asarray(project.data.trained_images().pixels[rows]))
        logger.info(f"{ORIGINAL}: {path.name} predicts {counted(len(rows), 'image')}, in a process of its own")
        call("the original", [sys.executable, "-P", str(_PROGRAM), of, str(path), name], _LONGEST_S, Surroundings(cwd=folder))
        outputs, latency_ms = np.load(folder / "outputs.npy"), np.load(folder / "latency_ms.npy")
    return Ran(of, _probabilities(outputs.reshape(len(rows), -1), facts.activation), latency_ms, _tolerances(project, facts, path))


def _probabilities(outputs: NDArray[np.float32], activation: str) -> NDArray[np.float32]:
    """Return probabilities of outputs [N, K], or [N, 1] of two classes; what went to none of the classes is left out."""
    if outputs.shape[1] == 1:
        second = outputs if activation else expit(outputs)
        return np.concatenate([1 - second, second], axis=1)
    known = outputs / outputs.sum(axis=1, keepdims=True) if activation == REJECTING else outputs
    found: NDArray[np.float32] = known if activation else softmax(outputs, axis=1)
    return found
