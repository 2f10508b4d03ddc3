"""What is to be measured, and how."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetl.devices.base import DELEGATES, Job
from edgetl.errors import UsageError
from edgetl.registry import did_you_mean


@dataclass(frozen=True)
class Subject:
    """A model file.

    Args:
        name: what it is called in tables and in the baseline.
        runtime: "litert" or "onnxruntime".
        top1_accuracy: on the validation images, where it is known.
        expected: this host's predictions to the plan's images, float32 [N, K]; None where no images are sent.
    """

    name: str
    path: Path
    runtime: str
    top1_accuracy: float | None = None
    expected: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Sent:
    """Images for a device to answer: a file of raw uint8 pixels [N, H, W, 3], and the label of each, [N]."""

    file: Path
    label_ids: NDArray[Any]


@dataclass(frozen=True)
class Plan:
    """How each model is measured on each device, see `edgetl.devices.base.Job`; `profile` counts inferences."""

    threads: int = 1
    runs: int = 50
    warmup: int = 10
    duration_s: float = 0.0
    cpus: tuple[int, ...] = ()
    delegate: str = "default"
    profile: int = 0

    def __post_init__(self) -> None:
        if self.delegate not in DELEGATES:
            raise UsageError(f"there is no delegate '{self.delegate}'", did_you_mean(self.delegate, DELEGATES))

    def job(self, subject: Subject, sent: Sent | None) -> Job:
        images, count = (sent.file, len(sent.label_ids)) if sent else (None, 0)
        return Job(subject.path, subject.runtime, **asdict(self), images=images, image_count=count)


def cpus_of(mask: str) -> tuple[int, ...]:
    """The cores of a mask such as 0xf0 (4 to 7), as taskset writes it. Raises UsageError."""
    try:
        bits = int(mask, 16) if mask else 0
    except ValueError:
        bits = -1
    if bits < 0:
        raise UsageError(f"'{mask}' is not a CPU mask", "write it in hexadecimal: 0xf0 are the cores 4 to 7")
    return tuple(core for core in range(bits.bit_length()) if bits >> core & 1)
