"""Tables of a benchmark."""

from collections.abc import Mapping, Sequence

from edgetl import console
from edgetl.accuracy import figure
from edgetl.benchmarking.gate import GateRow
from edgetl.benchmarking.results import Benchmark, BenchmarkResult, PredictionCheck
from edgetl.devices.messages import DeviceFacts, OperatorTime
from edgetl.errors import Failure
from edgetl.micro import estimate
from edgetl.runtimes.base import Memory, with_memory
from edgetl.wording import batches, beside, counted, measured_on

_TOP_OPERATORS = 10  # of a profile: they hold most of the time
_DEVICE = ("device", "chip", "cores", "memory", "system")
_LATENCY = ("device", "model", "p50 ms", "95 % interval", "p90 ms", "p99 ms")
_START = ("device", "model", "load ms", "first run ms", "cold start ms", "peak memory MiB", "size KiB")
_PROCESSORS = ("device", "model", "ran on", "operators", "same class as on the CPU", "largest difference")
_PREDICTIONS = ("device", "model", "images", "mean steps", "max steps")
LEGEND = "cold start: import of the runtime, load of the model and first inference; peak memory: of that process; size: of the file"


def show(benchmark: Benchmark) -> None:
    """Print the devices, the results, the devices' predictions, the profiles, and every failure and doubt."""
    devices = [[name, *device_texts(one.facts, one.failure)] for name, one in benchmark.devices.items()]
    console.table("devices", _DEVICE, devices)
    if benchmark.results:
        console.note(conditions(benchmark))
        console.table("latency", _LATENCY, _once([_latency(result) for result in benchmark.results]))
    measured = [result for result in benchmark.results if not result.failure]
    if measured:
        console.note(LEGEND)
        starts, memories = [_start(benchmark, result) for result in measured], [result.memory for result in measured]
        columns, rows = with_memory([*_START, f"{benchmark.metric} %"], starts, memories)
        console.table("start and size", columns, _once(rows))
    if benchmark.measured_on:
        console.note(f"{benchmark.metric} as the validation measured it, on {benchmark.measured_on}")
    checked = [(result, result.predictions) for result in benchmark.results if result.predictions]
    if checked:
        metric = figure(checked[0][1].accuracy).metric
        console.note("the device's predictions against this computer's, in steps of 1/256 of probability")
        console.note(f"{metric} there is of {measured_on(benchmark.images, 'image')}")
        decided = ["same decision %"] * (checked[0][1].same_decisions is not None)
        columns = [*_PREDICTIONS[:3], f"same {'classes' if metric == 'mAP' else metric} %", *_PREDICTIONS[3:], *decided]
        rows = [_predictions(result, found) for result, found in checked]
        console.table("predictions", [*columns, f"{metric} %", "verdict"], _once(rows))
    if ran := processors(benchmark):
        console.table("processors", _PROCESSORS, _once(ran))
    if benchmark.estimated:
        console.note(estimate.LEGEND)
        columns, rows = estimates_table(benchmark)
        console.table("estimates", columns, _once(rows))
    for result in benchmark.results:
        if result.measurement and result.measurement.profile:
            _profile(result, result.measurement.profile)
        elif result.measurement and result.measurement.profile_note:
            console.note(f"{result.device}, {result.model}: no profile: {result.measurement.profile_note}")
    for note in left_out(benchmark):
        console.note(note)
    for name, problem in failures(benchmark) + doubts(benchmark):
        console.warn(f"{name}: {problem}")


def show_devices(devices: Mapping[str, DeviceFacts | Failure]) -> None:
    """Print the devices that `edgetl devices` found, and what is missing for the others."""
    found = {name: facts for name, facts in devices.items() if isinstance(facts, DeviceFacts)}
    rows = [[name, *device_texts(facts), _runtimes(facts)] for name, facts in found.items()]
    console.table("reachable devices", [*_DEVICE, "runtimes"], rows)
    missing = [[name, failure.problem, failure.remedy] for name, failure in devices.items() if isinstance(failure, Failure)]
    if missing:
        console.table("devices that cannot be reached", ["device", "problem", "remedy"], missing)


def show_gate(rows: Sequence[GateRow], max_slowdown: float) -> None:
    """Print a comparison with a baseline."""
    shown = [
        [row.device, row.model, _number(row.before_ms, 3), _number(row.now_ms, 3), _ratio(row, max_slowdown), _verdict(row)] for row in rows
    ]
    title = f"compared with the baseline: at most {max_slowdown:g} times as slow"
    console.table(title, ["device", "model", "baseline ms", "now ms", "ratio", "verdict"], shown)


def conditions(benchmark: Benchmark) -> str:
    """Say under which conditions the latency was measured."""
    plan = benchmark.plan
    runs, warmup = counted(plan.runs, "run"), counted(plan.warmup, "warm-up run")
    sizes = {name: one.batch for name, one in benchmark.models.items()}
    latency = ", ".join(["latency of one image", *(f"of {batch}" for batch in batches(sizes))])
    return f"{latency}: {counted(plan.threads, 'thread')}, at least {runs} after {warmup}"


def left_out(benchmark: Benchmark) -> list[str]:
    """Return which files a device was not given, a sentence for each device."""
    return [f"{name}: left out {one.left_out}" for name, one in benchmark.devices.items() if one.left_out]


def failures(benchmark: Benchmark) -> list[tuple[str, str]]:
    """Return (device or result, reason) of everything that failed."""
    devices = [(name, name, device.failure) for name, device in benchmark.devices.items()]
    results = [(_name(result), result.device, result.failure) for result in benchmark.results]
    return [(name, _reason(why).removeprefix(f"{device}: ")) for name, device, why in (*devices, *results) if why]


def doubts(benchmark: Benchmark) -> list[tuple[str, str]]:
    """Return (result, reason) of every latency that is doubtful, and of predictions that differ from this host's."""
    found = []
    for result in benchmark.results:
        differences = result.predictions.failures if result.predictions else ()
        found += [(_name(result), reason) for reason in (*result.doubts, *differences)]
    return found


def latency_table(benchmark: Benchmark) -> tuple[list[str], list[list[str]]]:
    """Return the columns and rows of everything that was measured."""
    rows = [[*_latency(result), *_start(benchmark, result)[2:]] for result in benchmark.results]
    return with_memory([*_LATENCY, *_START[2:], f"{benchmark.metric} %"], rows, _memories(benchmark))


def processors(benchmark: Benchmark) -> list[list[str]]:
    """Return a row for each result: who ran which share of the operators, and how an accelerator agrees with the CPU.

    What failed was run by nobody, and neither was what was measured of memory alone.
    """
    rows = []
    for result in benchmark.results:
        if result.failure or result.memory:
            continue
        placed, compared = result.measurement.placement if result.measurement else None, result.beside_cpu
        shares = placed.shares if placed else ()
        ran = [f"{one.processor} {100 * one.operators / (placed.operators or 1):.0f} % ({one.by})" for one in shares] if placed else []
        images = counted(compared.images, "image") if compared else ""
        same = f"{compared.same_top1} of {images}{' of noise' if compared.noise else ''}" if compared else ""
        largest = f"{compared.max_difference:.4f}" if compared else ""
        known = ", ".join(ran) or "unknown"
        rows.append([result.device, result.shown, known, str(placed.operators) if placed and shares else "", same, largest])
    return rows


def processors_table(benchmark: Benchmark) -> tuple[list[str], list[list[str]]]:
    """Return the columns and rows of who ran what."""
    return list(_PROCESSORS), processors(benchmark)


def estimates_table(benchmark: Benchmark) -> tuple[list[str], list[list[str]]]:
    """Return the columns and rows of what was estimated and not measured."""
    rows = [[result.device, result.shown, *found.texts] for result, found in benchmark.estimated]
    return ["device", "model", *estimate.COLUMNS], rows


def _once(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return rows that begin with their device, which is left out where it is that of the row above."""
    before = ["", *(row[0] for row in rows)]
    return [["" if row[0] == above else row[0], *row[1:]] for row, above in zip(rows, before, strict=False)]


def _memories(benchmark: Benchmark) -> list[Memory | None]:
    return [result.memory for result in benchmark.results]


def _name(result: BenchmarkResult) -> str:
    return f"{result.device}, {result.shown}"


def _reason(failure: Failure) -> str:
    return "; ".join(text for text in (failure.problem, failure.remedy) if text)


def _runtimes(facts: DeviceFacts) -> str:
    return ", ".join(f"{name} {version}" if version else f"no {name}" for name, version in facts.runtimes.items())


def _ratio(row: GateRow, max_slowdown: float) -> str:
    return "" if row.ratio is None else beside(row.ratio, max_slowdown, 3)


def _verdict(row: GateRow) -> str:
    return "ok" if row.passed else "SLOWER" if row.now_ms is not None else "MISSING"


def device_texts(facts: DeviceFacts | None, failure: Failure | None = None) -> list[str]:
    """Return what a device is: chip, cores, memory and system; of one that failed, why."""
    if facts is None:
        return [failure.problem if failure else "", "", "", ""]
    memory = f"{facts.memory_bytes / 2**30:.1f} GiB" if facts.memory_bytes else ""
    chip = ", ".join(text for text in (facts.model, facts.chip) if text)
    return [chip, str(facts.cores or ""), memory, " ".join(text for text in (facts.os, facts.abi) if text)]


def _latency(result: BenchmarkResult) -> list[str]:
    latency = result.measurement.latency_ms if result.measurement else None
    if latency is None:
        return [
            result.device,
            result.shown,
            "failed" if result.failure else "estimated, see below" if result.estimate else "not timed",
            "",
            "",
            "",
        ]
    middle = _number(latency.p50, 3) or f"mean {_number(latency.mean, 3)}"
    interval = "{:.3f} to {:.3f}".format(*latency.p50_interval_95) if latency.p50_interval_95 else ""
    return [result.device, result.shown, middle, interval, _number(latency.p90, 3), _number(latency.p99, 3)]


def _start(benchmark: Benchmark, result: BenchmarkResult) -> list[str]:
    file, measured = benchmark.models[result.model], result.measurement
    if result.failure:
        return [result.device, result.shown, *[""] * (len(_START) - 1)]
    times = [measured.load_ms, measured.first_ms, measured.cold_start_ms] if measured else [None] * 3
    memory = f"{measured.peak_memory_bytes / 2**20:.0f}" if measured and measured.peak_memory_bytes else ""
    accuracy = None if file.value is None else 100 * file.value
    size = f"{file.size_bytes / 1024:,.0f}"
    return [result.device, result.shown, *(_number(ms, 1) for ms in times), memory, size, _number(accuracy, 2)]


def _predictions(result: BenchmarkResult, checked: PredictionCheck) -> list[str]:
    agreement = checked.agreement
    steps = [f"{100 * agreement.same:.2f}", f"{agreement.mean_steps:.2f}", f"{agreement.max_steps:.2f}"]
    steps += [] if checked.same_decisions is None else [f"{100 * checked.same_decisions:.2f}"]
    accuracy = f"{100 * figure(checked.accuracy).value:.2f}"
    return [result.device, result.shown, str(checked.images), *steps, accuracy, "FAILED" if checked.failures else "ok"]


def _profile(result: BenchmarkResult, profile: Sequence[OperatorTime]) -> None:
    operators = sorted(profile, key=lambda one: -one.ms)
    total = sum(one.ms for one in operators) or 1.0
    rows = [[one.layer, one.type, f"{one.ms:.3f}", f"{100 * one.ms / total:.1f}"] for one in operators[:_TOP_OPERATORS]]
    title = f"{_name(result)}: the {len(rows)} slowest of {counted(len(operators), 'operator')}, {total:.2f} ms in all"
    console.table(title, ["layer", "operator", "ms", "%"], rows)


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
