"""`edgetl benchmark`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgetl import console
from edgetl.cli.options import Json

if TYPE_CHECKING:
    from edgetl.benchmarking.results import Benchmark

Targets = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[RUN|FILE...]", help="Measure this run, or these model files (default: the newest run under runs/)."),
]
Devices = Annotated[
    list[str] | None,
    typer.Option(
        metavar="DEVICE",
        help="Measure on this device, see 'edgetl list devices'; may be repeated: devices run side by side.",
        show_default="local",
    ),
]
Delegate = Annotated[
    str,
    typer.Option(metavar="cpu|xnnpack|gpu|nnapi", help="Use this delegate (default: the runtime's own choice).", show_default=False),
]
Accuracy = Annotated[
    int,
    typer.Option(
        min=-1, metavar="N", help="Let devices predict this many validation images, and compare with this host's predictions; -1: all."
    ),
]


def benchmark(
    targets: Targets = None,
    device: Devices = None,
    threads: Annotated[int, typer.Option(min=1, help="Give the runtime this many threads.")] = 1,
    runs: Annotated[int, typer.Option(min=1, help="Count at least this many inferences.")] = 50,
    warmup: Annotated[int, typer.Option(min=0, help="Run this many inferences before the clock starts.")] = 10,
    duration: Annotated[float, typer.Option(min=0, metavar="S", help="Measure for at least this many seconds.")] = 0.0,
    cpu_mask: Annotated[str, typer.Option(metavar="0xf0", help="Run on these cores only (default: any).")] = "",
    delegate: Delegate = "default",
    profile: Annotated[bool, typer.Option("--profile", help="Time every operator, too.")] = False,
    accuracy: Accuracy = 0,
    baseline: Annotated[Path | None, typer.Option(metavar="FILE", help="Compare with this earlier benchmark.json, as a gate.")] = None,
    max_slowdown: Annotated[
        float, typer.Option(min=0.01, help="Let the gate pass a p50 latency of at most this many times the baseline's.")
    ] = 1.1,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write benchmark.json, .md, .csv and .png here (default: the run).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure latency, memory and size on this host, boards, phones and browsers; with --accuracy their predictions too.

    Exit code 10: a device failed (the others' results are kept); 7: a device predicts otherwise than this host; 11: slower than the
    baseline allows.

    Example: edgetl benchmark --device local --device ssh://pi@raspberrypi.local --accuracy 32
    """
    from dataclasses import asdict

    from edgetl.api import files
    from edgetl.benchmarking.gate import against, load_baseline
    from edgetl.report.terminal import benchmark as report

    before = load_baseline(baseline) if baseline else None
    measured = files.benchmark(
        targets or [], devices=device or ["local"], threads=threads, runs=runs, warmup=warmup, duration_s=duration, cpu_mask=cpu_mask,
        delegate=delegate, profile=profile, images=accuracy, out=out,
    )  # fmt: skip
    report.show(measured)
    rows = against(before, measured, max_slowdown) if before else []
    if rows:
        report.show_gate(rows, max_slowdown)
    console.result(measured.to_json() | {"baseline": [asdict(row) for row in rows]})
    _exit(measured, slower=not all(row.passed for row in rows))


def _exit(measured: "Benchmark", *, slower: bool) -> None:
    """End with the exit code of what went wrong, if anything did."""
    from edgetl.errors import DeviceError, ParityError, SlowdownError
    from edgetl.report.terminal import benchmark as report

    failed = bool(report.failures(measured))
    differs = any(result.predictions and result.predictions.failures for result in measured.results)
    for wrong, error in ((failed, DeviceError), (differs, ParityError), (slower, SlowdownError)):
        if wrong:
            raise typer.Exit(error.exit_code)
