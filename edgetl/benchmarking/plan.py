"""Model files to be measured, and images for devices to predict."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgetl.accuracy import Figure
from edgetl.compared import MeasuredImages
from edgetl.devices.base import Job
from edgetl.devices.plan import Plan
from edgetl.errors import UsageError
from edgetl.input import FREE_BATCH, Batch
from edgetl.output import Output


@dataclass(frozen=True)
class ModelFile:
    """A model to be measured.

    Args:
        name: what it is called in tables and in the baseline.
        runtime: "litert" or "onnxruntime".
        accuracy, judged_by: by the run's validation, where it is known, and its images.
        batch: images that it takes at a time, which an inference is of; of one where any number.
        expected: this host's predictions of the images that are sent, float32 [N, K]; None where none are.
    """

    name: str
    path: Path
    runtime: str
    accuracy: Figure | None = None
    judged_by: MeasuredImages = field(default_factory=MeasuredImages)
    batch: Batch = 1
    expected: NDArray[np.float32] | None = None

    def job(self, plan: Plan, sent: "SentImages | None") -> Job:
        """Return the job of measuring this model by the plan."""
        batch = 1 if self.batch == FREE_BATCH else self.batch
        if sent is None:
            return Job(self.path, self.runtime, plan, batch=batch)
        return Job(self.path, self.runtime, plan, sent.file, len(sent.label_ids), batch, required=sent.judged)


@dataclass(frozen=True)
class SentImages:
    """Images for a device to predict: a file of raw uint8 pixels [N, H, W, 3], and the labels of each.

    Args:
        label_ids: class indices [N]; [N, K] of 0 and 1 where images may show several classes.
        output: the contract's, which says how the predictions are measured.
        judged: whether the predictions were asked for; else they serve to compare an accelerator with its CPU where a device can.
    """

    file: Path
    label_ids: NDArray[np.integer]
    output: Output
    judged: bool = True


def cpus_of(mask: str) -> tuple[int, ...]:
    """Return the cores of a mask such as 0xf0 (4 to 7), as taskset writes it. Raises UsageError."""
    try:
        bits = int(mask, 16) if mask else 0
    except ValueError:
        bits = -1
    if bits < 0:
        raise UsageError(f"'{mask}' is not a CPU mask", "write it in hexadecimal: 0xf0 are the cores 4 to 7")
    return tuple(core for core in range(bits.bit_length()) if bits >> core & 1)
