"""The messages between edgetl and a device: the job that is sent, and the one place where replies are parsed.

A reply comes from another machine and is not trusted: `parse` refuses whatever is not exactly of the expected form.
"""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import ValidationError

from edgetl.documents import Amount, Count, Part, first_mistake
from edgetl.errors import DeviceError, Failure
from edgetl.micro.estimate import NpuEstimate
from edgetl.runtimes.base import Memory
from edgetl.wording import counted

_LONGEST_REPLY = 2**28  # characters: predictions of 10,000 images in 1000 classes take 2**27

P = TypeVar("P", bound=Part)


class Battery(Part):
    """A phone's battery, which warms the phone while it is charged."""

    level_percent: int
    charging: bool
    temperature_c: float


class State(Part):
    """The state of a device, which changes while a benchmark runs; empty where the device does not report it.

    Args:
        governors: the frequency governors in use, each once.
        frequencies_mhz: one value per core.
        temperatures_c: thermal zone -> temperature.
    """

    governors: tuple[str, ...] = ()
    frequencies_mhz: tuple[int, ...] = ()
    temperatures_c: Mapping[str, float] = {}
    battery: Battery | None = None


class Browser(Part):
    """Facts about a browser that a page in it can find out."""

    user_agent: str
    cross_origin_isolated: bool
    webgpu: bool


class DeviceFacts(Part):
    """Facts about a device. Empty, or None: the device does not report it.

    Args:
        model: the maker's name of the device.
        abi: such as "aarch64" or "arm64-v8a".
        python: version of the Python that runs the models.
        runtimes: runtime -> version, or None where it is missing.
        load_average: over the last minute.
    """

    model: str = ""
    chip: str = ""
    abi: str = ""
    cores: Count | None = None
    memory_bytes: Count | None = None
    os: str = ""
    python: str | None = None
    runtimes: Mapping[str, str | None] = {}
    free_bytes: Count | None = None
    load_average: Amount | None = None
    state: State = State()
    browser: Browser | None = None


class OperatorTime(Part):
    """The mean time of one operator in one inference.

    Args:
        operator: the runtime's name for it.
        layer: the layer of the network that it belongs to; empty until `edgetl.benchmarking.operators` has found it.
    """

    operator: str
    type: str
    ms: Amount
    layer: str = ""


class PlacedOperator(Part):
    """An operator of a model. `by`: the runtime's name of the kernels that ran it, such as "XNNPACK"; empty: it gives none."""

    operator: str
    type: str
    by: str = ""


class PlacementReport(Part):
    """Hold what a device knows of who ran which operator; `edgetl.devices.placement` makes a Placement of it.

    Args:
        operators: all that the model has.
        alone: whether the accelerator was asked to run them without any other, which the runtime refuses where it cannot.
        log: what the runtime wrote while it loaded the model.
        left: the types of the operators that ran outside of the accelerator, where a profile lists those alone.
    """

    operators: tuple[PlacedOperator, ...] = ()
    alone: bool = False
    log: str = ""
    left: tuple[str, ...] = ()


class ProcessorShare(Part):
    """The number of operators that one processor ran. `processor`: "CPU", "GPU", "NPU"; `by`: the kernels, or the name of the chip."""

    processor: str
    by: str
    operators: Count


class Placement(Part):
    """Which processor ran which share of a model's operators.

    Args:
        shares: of each processor, the largest first; empty: the runtime does not say.
        fell_back: the operators that the accelerator which was asked for did not run, each with the runtime's reason if it gives one.
        doubts: why this is less than it seems, such as a GPU that is a program.
    """

    shares: tuple[ProcessorShare, ...] = ()
    fell_back: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def operators(self) -> int:
        """The number of operators in all."""
        return sum(share.operators for share in self.shares)


class LatencyStatistics(Part):
    """Statistics of warm inferences, in milliseconds. None: the device's tool does not report it.

    Args:
        p50_interval_95: the 95 % bootstrap interval of the median.
    """

    runs: Count
    p50: Amount | None
    p90: Amount | None
    p95: Amount | None
    p99: Amount | None
    p50_interval_95: tuple[Amount, Amount] | None
    mean: Amount | None
    std: Amount | None
    min: Amount | None
    max: Amount | None


class Measurement(Part):
    """One model measured on one device. None: not measured.

    Args:
        runtime: name and version.
        import_ms, load_ms, first_ms: import of the runtime, load of the model, first inference.
        cold_start_ms: the three together.
        samples_ms: one value per counted inference; empty where the device's tool reports statistics only.
        latency_ms: statistics of the samples, or those that the tool reports.
        doubts: reasons not to trust the latency as it is.
        cpus: cores that the process could run on.
        before, after: the device's state around the timing.
        profile_note: why there is no profile although one was asked for.
        seconds: duration of the measurement, all in all.
        clock_resolution_ms, inferences_per_sample: of a browser, whose clock is coarse.
        placement: which processor ran what; None: nothing is known of it.
        estimate: of a device that runs nothing; None: it does.
        memory: what a microcontroller needs; None: the device is not one.
    """

    runtime: str
    import_ms: Amount | None = None
    load_ms: Amount | None = None
    first_ms: Amount | None = None
    cold_start_ms: Amount | None = None
    samples_ms: tuple[Amount, ...] = ()
    latency_ms: LatencyStatistics | None = None
    doubts: tuple[str, ...] = ()
    peak_memory_bytes: Count | None = None
    cpus: tuple[Count, ...] | None = None
    before: State = State()
    after: State = State()
    profile: tuple[OperatorTime, ...] | None = None
    profile_note: str = ""
    seconds: Amount | None = None
    clock_resolution_ms: Amount | None = None
    inferences_per_sample: Count | None = None
    placement: Placement | None = None
    estimate: NpuEstimate | None = None
    memory: Memory | None = None


class Reply(Part):
    """A measurement and, for each image that was sent, the probabilities [K].

    Args:
        placed: who ran which operator; None: the device does not know.
        accelerated, by_cpu: of an accelerator's job, its probabilities and those of the same device's CPU for the same images: those that
            were sent, else noise.
    """

    measurement: Measurement
    predictions: tuple[tuple[float, ...], ...] = ()
    placed: PlacementReport | None = None
    accelerated: tuple[tuple[float, ...], ...] = ()
    by_cpu: tuple[tuple[float, ...], ...] = ()


class PageJob(Part):
    """A job for browser_page.js: see `edgetl.devices.base.Job`.

    Args:
        backend: "wasm", "webgpu" or "webnn"; of the last, `device_type` is the processor to prefer.
    """

    runtime: str
    threads: int
    runs: int
    warmup: int
    duration_s: float
    backend: str
    device_type: str
    image_count: int


class SteerJob(Part):
    """A job for browser_steer.py.

    Args:
        chromium: program; None: playwright's own.
        folder: for everything that the browser leaves.
        files: path on the server -> path on this host.
        page: None: only say what the browser is.
        cpus: cores to run on; none: any.
        profile: inferences to profile.
    """

    chromium: str | None
    folder: str
    files: Mapping[str, str]
    page: PageJob | None = None
    cpus: tuple[int, ...] = ()
    profile: int = 0


class SteerReply(Part):
    """The reply of browser_steer.py: facts where there was no page job, a reply where there was one, or a failure."""

    facts: DeviceFacts | None = None
    reply: Reply | None = None
    failure: Failure | None = None


def parse(device: str, kind: type[P], text: str | bytes, remedy: str = "try again; if it fails again, report it in an issue") -> P:
    """Return a device's reply as a value of this kind. Raises DeviceError that names the first place that is wrong."""
    if len(text) > _LONGEST_REPLY:
        raise DeviceError(f"{device} sent a reply of {len(text):,} characters, more than {_LONGEST_REPLY:,}", remedy)
    try:
        return kind.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise DeviceError(f"{device} sent an unexpected reply: {first_mistake(error)}: {text[:80]!r}", remedy) from error


def check(device: str, kind: type[P], values: Mapping[str, object]) -> P:
    """Return plain values of this process, such as the runner's, as a value of this kind. Raises DeviceError as `parse` does."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise DeviceError(f"{device} sent an unexpected reply: {first_mistake(error)}", "report it in an issue") from error


def check_reply(device: str, reply: Reply, images: int) -> Reply:
    """Return the reply if it has samples and one prediction per image, all of the same length. Raises DeviceError."""
    lengths = {len(one) for one in reply.predictions}
    if not reply.measurement.samples_ms:
        raise DeviceError(f"{device} measured no inference", "try again with more --runs")
    if len(reply.predictions) != images or len(lengths) > 1 or 0 in lengths:
        sent = counted(len(reply.predictions), "prediction")
        problem = f"{device} sent {sent} of lengths {sorted(lengths)} for {counted(images, 'image')}"
        raise DeviceError(problem, "try again; if it fails again, report it in an issue")
    return reply
