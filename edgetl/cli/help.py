"""The text of `--help`: arguments and options with what they do and their defaults, which docs/cli.md shows too."""

from typing import Any

from typer.core import TyperCommand, TyperGroup


def option_rows(parameters: list[Any]) -> list[tuple[str, str]]:
    """Return names and description of each argument or option, with its default where the description does not give it."""
    return [(_names(parameter), _described(parameter.help or "", parameter.default)) for parameter in parameters]


def _names(parameter: Any) -> str:
    if is_argument(parameter):
        return str(parameter.metavar)
    names = ", ".join(parameter.opts) + "".join(f" / {name}" for name in parameter.secondary_opts)
    return names if parameter.is_flag else f"{names} {parameter.metavar}"


def _described(text: str, default: object) -> str:
    if "default:" in text or isinstance(default, bool) or not isinstance(default, int | float | str) or default == "":
        return text
    shown = f"{default:g}" if isinstance(default, float) else default
    return f"{text.removesuffix('.')} (default: {shown})."


def is_argument(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "argument")


class Command(TyperCommand):
    """A command whose help names its arguments as they are written."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return ["[OPTIONS]", *(str(parameter.metavar) for parameter in self.params if is_argument(parameter))]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        parameters = self.get_params(ctx)
        for title, some in (
            ("Arguments", [one for one in parameters if is_argument(one)]),
            ("Options", [one for one in parameters if not is_argument(one)]),
        ):
            if some:
                with formatter.section(title):
                    formatter.write_dl(option_rows(some))


class Commands(TyperGroup):
    """All commands."""

    def get_help_option(self, ctx: Any) -> Any:
        """Return the option --help, with a default that need not be parsed: typer imports pydantic for that, which takes 0.1 s."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.default = False
        return option
