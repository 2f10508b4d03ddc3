"""The document of a benchmark: every model on every device."""

from collections.abc import Mapping
from typing import ClassVar, Self

from pydantic import model_validator

from edgetl.accuracy import AnyAccuracy, Metric
from edgetl.benchmarking.beside_cpu import BesideCpu
from edgetl.benchmarking.placement import fallback
from edgetl.compared import MeasuredImages
from edgetl.devices.messages import DeviceFacts, Measurement
from edgetl.devices.plan import ACCELERATORS, Plan
from edgetl.documents import Count, Document, Part, Share
from edgetl.errors import Failure
from edgetl.evaluation.agreement import Agreement
from edgetl.evaluation.statistics import Paired
from edgetl.input import FREE_BATCH, Batch
from edgetl.micro.estimate import LEGEND, NpuEstimate
from edgetl.overview import Overview
from edgetl.runtimes.base import Memory, with_memory
from edgetl.wording import batches

NAME = "benchmark.json"


class BenchmarkedFile(Part):
    """A model file that was measured; `top1_accuracy`, or mAP where images may show several classes, is that of the validation,
    where it is known, `measured_on` its images in words, and `measured_images` their number, which an older benchmark does not have.

    `batch`: images that it takes at a time; its latency is of so many, and of one where it takes any number.
    """

    file: str
    sha256: str
    size_bytes: Count
    runtime: str
    top1_accuracy: Share | None
    measured_on: str = ""
    measured_images: Count = 0
    batch: Batch = 1
    mean_average_precision: Share | None = None

    @property
    def value(self) -> float | None:
        """The figure that the model is judged by, in 0..1; None: it is not known."""
        return self.top1_accuracy if self.mean_average_precision is None else self.mean_average_precision

    @property
    def images_at_once(self) -> int:
        """The images of an inference that was measured."""
        return 1 if self.batch == FREE_BATCH else self.batch


class BenchmarkedDevice(Part):
    """A device: its facts, or why it failed.

    Args:
        timed: whether its latency means anything (an emulator's does not).
        left_out: the files that were not measured since nothing like it runs them, with the reason, in words; empty: none.
    """

    facts: DeviceFacts | None = None
    timed: bool = True
    failure: Failure | None = None
    left_out: str = ""


class PredictionCheck(Part):
    """A device's predictions compared with this host's, and with the classes of the images.

    Args:
        failures: what is out of tolerance, in words.
        same_decisions: the share of the images of which both say the same by the contract's thresholds; None: it has none.
        map_drop_points: what the device loses of mAP, where images may show several classes.
    """

    images: Count
    accuracy: AnyAccuracy
    agreement: Agreement
    paired: Paired
    failures: tuple[str, ...]
    same_decisions: Share | None = None
    map_drop_points: float | None = None


class BenchmarkResult(Part):
    """One model on one device: its measurement, or why it failed.

    Args:
        delegate: who was asked to run it; empty in documents from before there were several: the plan's.
        beside_cpu: an accelerator's predictions beside the CPU's; None: it was none, or they could not be compared.
    """

    device: str
    model: str
    delegate: str = ""
    measurement: Measurement | None = None
    predictions: PredictionCheck | None = None
    beside_cpu: BesideCpu | None = None
    failure: Failure | None = None

    @property
    def shown(self) -> str:
        """The model, and the delegate where one was chosen."""
        return self.model if self.delegate in ("", Plan.delegate) else f"{self.model} by {self.delegate}"

    @property
    def accelerated(self) -> bool:
        """Whether it is proven that the accelerator which was asked for ran every operator."""
        placed = self.measurement.placement if self.measurement else None
        return bool(placed and placed.shares) and not (placed.fell_back or placed.doubts)  # type: ignore[union-attr]

    @property
    def p50_ms(self) -> float | None:
        """The median latency; None: not timed, failed, or the device's tool reports a mean only."""
        latency = self.measurement.latency_ms if self.measurement else None
        return latency.p50 if latency else None

    @property
    def estimate(self) -> NpuEstimate | None:
        """An estimate in place of a measurement; None: it was measured, or failed."""
        return self.measurement.estimate if self.measurement else None

    @property
    def memory(self) -> Memory | None:
        """Memory and work that it takes of a microcontroller; None: the device is not a microcontroller."""
        return self.measurement.memory if self.measurement else None

    @property
    def doubts(self) -> tuple[str, ...]:
        """Return reasons not to trust the row as it is."""
        if not self.measurement:
            return ()
        placed, compared = self.measurement.placement, self.beside_cpu
        uncompared = self.delegate in ACCELERATORS and not compared and not self.estimate
        unknown = ("its predictions were not compared with the CPU's",) if uncompared else ()
        fell_back = self.estimate.left if self.estimate else fallback(self.delegate, placed) if placed else ""
        left = (fell_back,) if fell_back else ()
        return (*self.measurement.doubts, *left, *(placed.doubts if placed else ()), *(compared.failures if compared else unknown))


class Benchmark(Document):
    """Latency, memory and size of models on devices, and how the devices' predictions agree with this host's.

    Args:
        measured: when, in UTC.
        software: package -> version, on this host.
        images: number of images that the devices predicted.
        models, devices: by the names that the results use.
    """

    REMEDY: ClassVar[str] = "make it again: edgetl benchmark"

    measured: str
    software: Mapping[str, str]
    plan: Plan
    images: Count
    models: Mapping[str, BenchmarkedFile]
    devices: Mapping[str, BenchmarkedDevice]
    results: tuple[BenchmarkResult, ...]

    @model_validator(mode="after")
    def _all_known(self) -> Self:
        for result in self.results:
            if result.model not in self.models or result.device not in self.devices:
                raise ValueError(f"a result is of an unknown model or device: {result.model!r} on {result.device!r}")
        return self

    @property
    def measured_on(self) -> str:
        """The images that the accuracies are of, in words; empty: there are none."""
        return self.judged_by.words

    @property
    def judged_by(self) -> MeasuredImages:
        """The images that the accuracies are of."""
        known = (MeasuredImages(file.measured_images, file.measured_on) for file in self.models.values() if file.measured_on)
        return next(known, MeasuredImages())

    @property
    def metric(self) -> Metric:
        """The metric that the models are judged by."""
        return "mAP" if any(file.mean_average_precision is not None for file in self.models.values()) else "top-1"

    @property
    def estimated(self) -> list[tuple[BenchmarkResult, NpuEstimate]]:
        """The results that are estimates of a compiler."""
        return [(result, result.estimate) for result in self.results if result.estimate]

    @property
    def timed(self) -> list[BenchmarkResult]:
        """The results that have a median latency."""
        return [result for result in self.results if result.p50_ms is not None]

    def overview(self) -> Overview:
        """Return a row for each model on each device, and what failed."""
        failed = [(name, one.failure) for name, one in self.devices.items()]
        failed += [(f"{one.device}, {one.shown}", one.failure) for one in self.results]
        notes = [f"{name}: {failure.problem}" for name, failure in failed if failure]
        notes += [f"{name}: left out {one.left_out}" for name, one in self.devices.items() if one.left_out]
        notes += [f"p50 is of {batch}" for batch in batches({name: one.batch for name, one in self.models.items()})]
        notes += [f"{self.metric} on {self.measured_on}"] if self.measured_on else []
        notes += [f"{one.device}, {one.shown}: estimated {found.ms:.2f} ms; {LEGEND}" for one, found in self.estimated]
        columns = ("device", "model", "p50 ms", "p90 ms", "peak memory MiB", "KiB", f"{self.metric} %")
        table = with_memory(columns, [self._row(result) for result in self.results], [result.memory for result in self.results])
        return Overview(f"Benchmark of {len(self.models)} models", *table, notes)

    def _row(self, result: BenchmarkResult) -> list[str]:
        file, measured = self.models[result.model], result.measurement
        if not measured:
            return [result.device, result.shown, "failed", "", "", "", ""]
        latency = measured.latency_ms
        return [
            result.device,
            result.shown,
            "" if latency is None or latency.p50 is None else f"{latency.p50:.3f}",
            "" if latency is None or latency.p90 is None else f"{latency.p90:.3f}",
            f"{measured.peak_memory_bytes / 2**20:.0f}" if measured.peak_memory_bytes else "",
            f"{file.size_bytes / 1024:,.0f}",
            "" if file.value is None else f"{100 * file.value:.2f}",
        ]
