"""The `edgetl` command: its subcommands, and the one place that turns an error into a message and an exit code."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from edgetl import console
from edgetl.cli import (
    benchmark,
    bundle,
    card,
    compare,
    devices,
    env,
    evaluate,
    explain,
    export,
    keygen,
    learning_curve,
    list_names,
    predict,
    report,
    run,
    runs,
    sensitivity,
    ship,
    show,
    train,
    tune,
    validate,
    verify,
)
from edgetl.errors import EXIT_CODES, EdgetlError

_INTERRUPTED = 130  # what Typer makes of Ctrl-C, as shells report a program that SIGINT ended

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: " + "; ".join(f"{code} {meaning.rstrip('.').lower()}" for code, meaning in EXIT_CODES.items()),
)
_COMMANDS: dict[str, Callable[..., None]] = {
    "train": train.train,
    "export": export.export,
    "validate": validate.validate,
    "evaluate": evaluate.evaluate,
    "compare": compare.compare,
    "learning-curve": learning_curve.learning_curve,
    "benchmark": benchmark.benchmark,
    "devices": devices.devices,
    "bundle": bundle.bundle,
    "verify": verify.verify,
    "keygen": keygen.keygen,
    "ship": ship.ship,
    "run": run.run,
    "tune": tune.tune,
    "predict": predict.predict,
    "sensitivity": sensitivity.sensitivity,
    "explain": explain.explain,
    "card": card.card,
    "report": report.report,
    "list": list_names.list_names,
    "show": show.show,
    "env": env.env,
    "runs": runs.runs,
}
for name, command in _COMMANDS.items():
    app.command(name)(command)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        console.result({"version": version("edgetl")}, f"edgetl {version('edgetl')}")
        raise typer.Exit


@app.callback()
def edgetl(
    _: Annotated[bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)] = False,
) -> None:
    """From a folder of labelled pictures to a model that a phone, a board or a web page can trust."""


def main() -> None:
    try:
        app()
    except EdgetlError as error:
        console.fail(error.problem, error.remedy)
        console.json_result({"error": {"problem": error.problem, "remedy": error.remedy}, "exit_code": error.exit_code})
        sys.exit(error.exit_code)
    except SystemExit as stop:
        if stop.code == _INTERRUPTED:
            console.fail("interrupted", "the same command goes on where this one stopped")
        raise
