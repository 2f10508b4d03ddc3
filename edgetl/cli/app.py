"""The `edgetl` command: its subcommands, and the one place that turns an error into a message and an exit code."""

import logging
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import wraps
from inspect import Parameter, signature
from typing import Annotated, Any, NoReturn

import typer

from edgetl import console, stops, streams
from edgetl.cli import (
    benchmark,
    bundle,
    card,
    compare,
    devices,
    doctor,
    env,
    evaluate,
    explain,
    export,
    import_model,
    keygen,
    learning_curve,
    list_names,
    pack,
    predict,
    pretrain,
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
from edgetl.cli.help import Command, Commands
from edgetl.cli.options import Verbose
from edgetl.errors import EXIT_CODES, NOT_READ, STOPS, EdgetlError, Failure, RunError, UsageError
from edgetl.files import NOT_WRITABLE, writable
from edgetl.wording import seen

logger = logging.getLogger(__name__)
_Misuse: Any = typer.BadParameter.__bases__[0]  # an unknown option, a missing argument: UsageError of the click that typer brings

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain text: rich takes 0.1 s to draw boxes around it
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\b\nExit codes:\n" + "\n".join(f"{code:5d}  {meaning}" for code, meaning in (EXIT_CODES | STOPS).items()),
)
_COMMANDS: dict[str, Callable[..., None]] = {
    "doctor": doctor.doctor,
    "train": train.train,
    "import": import_model.import_model,
    "pretrain": pretrain.pretrain,
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
    "pack": pack.pack,
}


def _with_verbose(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command with one more option, which all have, and with an example that keeps its lines in the help."""

    @wraps(command)
    def call(verbose: bool = False, **arguments: Any) -> None:
        command(**arguments)

    own = signature(command)
    option = Parameter("verbose", Parameter.KEYWORD_ONLY, default=False, annotation=Verbose)
    call.__signature__ = own.replace(parameters=[*own.parameters.values(), option])  # type: ignore[attr-defined]
    call.__annotations__ = command.__annotations__ | {"verbose": Verbose}
    call.__doc__ = (command.__doc__ or "").replace("Example:", "\b\n    Example:")
    return call


for name, command in _COMMANDS.items():
    app.command(name, cls=Command)(_with_verbose(command))


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        console.result({"version": version("edgetl")}, f"edgetl {version('edgetl')}")
        raise typer.Exit


@app.callback()
def edgetl(
    _: Annotated[bool, typer.Option("--version", help="Print the version and exit.", callback=_show_version, is_eager=True)] = False,
) -> None:
    """Turn a folder of labelled images into a model that a phone, a board or a web page can trust."""


def entry() -> None:
    """Run the command that this process was started for."""
    streams.open_closed()
    try:
        main()
    except SystemExit as stop:
        streams.flush()
        if stop.code in STOPS:  # a native module whose import was interrupted may crash when Python ends: everything is written by now
            os._exit(int(stop.code))
        raise


def main() -> None:
    """Run the command in sys.argv; always ends with SystemExit, but for bugs."""
    # Pillow warns of odd metadata, file after file, with a line of its source: what matters is a reason of ours.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    with console.Console(), _reading_on():
        try:
            with stops.heard():
                sys.exit(app(prog_name="edgetl", standalone_mode=False))
        except _Misuse as error:
            _refuse(error)
        except typer.Abort:
            _fail(UsageError("it was not confirmed, and nothing was done", "reply y or n, or confirm beforehand with --yes"))
        except EdgetlError as error:
            _fail(error)
        except OSError as error:
            if error.errno not in NOT_WRITABLE:
                raise
            place = f" ({error.filename})" if error.filename else ""
            _fail(RunError(f"cannot write: {error.strerror}{place}", writable(error)))
        except SystemExit as stop:
            if isinstance(stop.__context__, BrokenPipeError):  # of the help, which typer writes
                sys.exit(NOT_READ)
            if stop.code in STOPS and stop.code != NOT_READ:
                console.end_line()
                _print_failure(
                    Failure(STOPS[int(stop.code)], "what is finished is kept: run the same command again to continue"), int(stop.code)
                )
            raise


@contextmanager
def _reading_on() -> Iterator[None]:
    """Print where to read on about the failure that a command ends with, as the last line."""
    try:
        yield
    except SystemExit as stop:
        if stop.code and stop.code in EXIT_CODES and len(sys.argv) > 1:  # without arguments the help is the message
            from edgetl.software import reference

            console.note(f"read on: {reference('troubleshooting', f'exit-code-{stop.code}')}")
        raise


def _refuse(error: Any) -> NoReturn:
    """End with what typer has against the words of the command."""
    console.current().json = "--json" in sys.argv
    if len(sys.argv) < 2:  # the help is the message
        error.show()
        sys.exit(error.exit_code)
    usage = f"usage: {error.ctx.get_usage().removeprefix('Usage: ')}; " if error.ctx else ""
    command = error.ctx.command_path if error.ctx else " ".join(["edgetl", *(word for word in sys.argv[1:2] if word in _COMMANDS)])
    unknown = getattr(error, "option_name", None)
    files = [word for word in sys.argv[2:] if unknown and word.startswith(unknown) and (os.path.lexists(word) or _named_as_file(word))]
    meant = f"if it is a file, write ./{seen(files[0])}; " if files else ""
    _fail(UsageError(error.format_message(), f"{meant}{usage}see '{command} --help'"))


def _named_as_file(word: str) -> bool:
    return "=" not in word and bool(os.path.splitext(word)[1])


def _fail(error: EdgetlError) -> NoReturn:
    logger.debug(traceback.format_exc())
    _print_failure(error.failure, error.exit_code)
    sys.exit(error.exit_code)


def _print_failure(failure: Failure, exit_code: int) -> None:
    console.fail(failure.problem, failure.remedy)
    with suppress(RunError, SystemExit):  # stdout takes nothing: the failure itself is what counts
        console.json_result({"error": asdict(failure), "exit_code": exit_code})
