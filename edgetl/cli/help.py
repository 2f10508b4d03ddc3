"""The text of `--help`: arguments and options with what they do and their defaults, which docs/cli.md shows too."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter, Parameter

_ANY_LENGTH = 1000  # characters of a command's first sentence


def option_rows(parameters: "Sequence[Parameter]") -> list[tuple[str, str]]:
    """Return names and description of each argument or option, with its default where the description does not give it."""
    return [(_names(one), _described(one.help or "", one.default)) for one in parameters if isinstance(one, TyperArgument | TyperOption)]


def _names(parameter: "Parameter") -> str:
    if not isinstance(parameter, TyperOption):
        return str(parameter.metavar)
    names = ", ".join(parameter.opts) + "".join(f" / {name}" for name in parameter.secondary_opts)
    return names if parameter.is_flag else f"{names} {parameter.metavar}"


def _described(text: str, default: object) -> str:
    if "default:" in text or isinstance(default, bool) or not isinstance(default, int | float | str) or default == "":
        return text
    shown = f"{default:g}" if isinstance(default, float) else default
    return f"{text.removesuffix('.')} (default: {shown})."


class Command(TyperCommand):
    """A command whose help names its arguments as they are written."""

    def collect_usage_pieces(self, ctx: "Context") -> list[str]:
        return ["[OPTIONS]", *(_names(one) for one in self.params if isinstance(one, TyperArgument))]

    def format_options(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        parameters = self.get_params(ctx)
        for title, kind in (("Arguments", TyperArgument), ("Options", TyperOption)):
            rows = option_rows([one for one in parameters if isinstance(one, kind)])
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


class Commands(TyperGroup):
    """All commands."""

    def get_params(self, ctx: "Context") -> "list[Parameter]":
        """Return the options, whose switches have defaults that need not be parsed: typer imports pydantic for None, which takes 0.1 s."""
        options = super().get_params(ctx)
        for option in options:
            if isinstance(option, TyperOption) and option.is_flag and option.default is None:
                option.default = False
        return options

    def format_commands(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Write what each command does in full: by itself it is cut, on narrow terminals after two words."""
        rows = [
            (name, command.get_short_help_str(_ANY_LENGTH)) for name in self.list_commands(ctx) if (command := self.get_command(ctx, name))
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
