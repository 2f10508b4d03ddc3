"""`edgetl benchmark`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgetl import console
from edgetl.cli.names import completed
from edgetl.cli.options import Images, Json
from edgetl.devices.plan import ACCELERATORS, DELEGATES, Plan
from edgetl.errors import UsageError

if TYPE_CHECKING:
    from edgetl.benchmarking.results import Benchmark

Targets = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[RUN|FILE...]", help="Measure this run or these model files (default: the newest run under runs/ that has been exported)."
    ),
]
Devices = Annotated[
    list[str] | None,
    typer.Option(
        metavar="DEVICE",
        help="Measure on this device, see 'edgetl list devices'; may be repeated: devices run side by side (default: local).",
        autocompletion=completed("devices"),
    ),
]
Delegates = Annotated[
    list[str] | None,
    typer.Option(
        metavar="|".join(DELEGATES), help="Use this delegate; may be repeated: a row for each (default: the runtime's own choice)."
    ),
]
Required = Annotated[
    bool,
    typer.Option("--require-accelerated", help="Exit with code 13 unless it is proven that the delegate ran every operator, in every row."),
]
Accuracy = Annotated[
    int,
    typer.Option(
        min=-1, metavar="N", help="Compare the predictions for this many of the images that measure with this computer's; -1: all; 0: none."
    ),
]


def benchmark(
    targets: Targets = None,
    device: Devices = None,
    threads: Annotated[int, typer.Option(min=1, metavar="N", help="Give the runtime this many threads.")] = Plan.threads,
    runs: Annotated[int, typer.Option(min=1, metavar="N", help="Time at least this many inferences.")] = Plan.runs,
    warmup: Annotated[int, typer.Option(min=0, metavar="N", help="Run this many inferences before the timing starts.")] = Plan.warmup,
    duration: Annotated[float, typer.Option(min=0, metavar="S", help="Measure for at least this many seconds.")] = Plan.duration_s,
    cpu_mask: Annotated[str, typer.Option(metavar="0xf0", help="Run only on the cores of this bit mask (default: any).")] = "",
    delegate: Delegates = None,
    require_accelerated: Required = False,
    profile: Annotated[bool, typer.Option("--profile", help="Also time each operator.")] = False,
    accuracy: Accuracy = 0,
    baseline: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Compare with this earlier benchmark.json (default: none); exit code 11 if it was faster."),
    ] = None,
    max_slowdown: Annotated[
        float, typer.Option(min=0.01, metavar="X", help="Allow at most this many times the p50 latency of the baseline.")
    ] = 1.1,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write benchmark.json, .md, .csv and .png here (default: the run).")
    ] = None,
    data: Images = "",
    as_json: Json = False,
) -> None:
    """Measure latency, memory and size on devices.

    A device is this computer, a board, a phone or a browser. With --accuracy, the devices' predictions are compared with this computer's.
    Every row says which processor ran which share of the operators; what fell back from a delegate is a warning with the operators' names,
    and a delegate's predictions are compared with those of the same device's CPU.

    Exit codes: 7 a device or a delegate gives other predictions than this computer or the CPU; 10 a device failed (the others' results are
    kept); 11 slower than the baseline allows; 13 with --require-accelerated: an operator fell back, or no one knows who ran it.

    Example:
      edgetl benchmark runs/flowers --device ssh://pi@board.local --accuracy 32
    """
    from dataclasses import asdict

    from edgetl.api import files
    from edgetl.benchmarking.gate import against, load_baseline
    from edgetl.report.terminal import benchmark as report

    if require_accelerated and not set(delegate or ()) & set(ACCELERATORS):
        raise UsageError(
            "--require-accelerated needs an accelerator", f"name one: --delegate {'|'.join(ACCELERATORS)}; for vela's it is npu"
        )
    before = load_baseline(baseline) if baseline else None
    measured = files.benchmark(
        targets or [], devices=device or (), threads=threads, runs=runs, warmup=warmup, duration_s=duration, cpu_mask=cpu_mask,
        delegate=delegate or [Plan.delegate], profile=profile, images=accuracy, out=out, data=data,
    )  # fmt: skip
    report.show(measured)
    rows = against(before, measured, max_slowdown) if before else []
    if rows:
        report.show_gate(rows, max_slowdown)
    console.result(measured.to_json() | {"baseline": [asdict(row) for row in rows]})
    _exit(measured, slower=not all(row.passed for row in rows), required=require_accelerated)


def _exit(measured: "Benchmark", *, slower: bool, required: bool) -> None:
    """End with the exit code of what went wrong, if anything did."""
    from edgetl.errors import AccelerationError, DeviceError, ParityError, SlowdownError
    from edgetl.report.terminal import benchmark as report

    failed = bool(report.failures(measured))
    checks = [check for result in measured.results for check in (result.predictions, result.beside_cpu) if check]
    differs = any(check.failures for check in checks)
    fell_back = required and any(row.delegate in ACCELERATORS and not row.accelerated for row in measured.results)
    for wrong, error in ((failed, DeviceError), (differs, ParityError), (fell_back, AccelerationError), (slower, SlowdownError)):
        if wrong:
            raise typer.Exit(error.exit_code)
