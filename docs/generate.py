"""Write the pages that are made from the code and from models/: python docs/generate.py."""

import inspect
import re
from pathlib import Path

HERE = Path(__file__).parent
_CLI = """# The command line

Made by `docs/generate.py` from the commands themselves: `edgetl COMMAND --help` prints the same. Every command also takes `--json` (one
JSON document on stdout, all else on stderr) and `--verbose` (details, tracebacks, and what native code writes).
"""


def cli() -> str:
    """Return docs/cli.md."""
    import typer

    from edgetl.cli.app import app
    from edgetl.cli.help import option_rows
    from edgetl.errors import EXIT_CODES, STOPS

    parts = [_CLI]
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        text = inspect.cleandoc(command.help or "")
        text, _, example = text.partition("\b\nExample:")
        calls = [" ".join(call.split()) for call in re.split(r"\n\s*(?=edgetl )", example.strip())]
        rows = [_row(*row) for row in option_rows([one for one in command.params if one.name not in ("as_json", "verbose")])]
        table = ["| argument or option | meaning |", "|---|---|", *rows] if rows else []
        parts.append("\n".join([f"## edgetl {name}\n", text.strip(), "", "```sh", *calls, "```\n", *table, ""]))
    codes = [f"| {code} | {meaning} |" for code, meaning in (EXIT_CODES | STOPS).items()]
    return "\n".join([*parts, "## Exit codes\n", "| code | meaning |", "|---|---|", *codes, ""])


_SETTINGS = """# Settings

Made by `docs/generate.py` from the file that `edgetl list settings` prints. A recipe holds what differs from these;
`--set TABLE.NAME=VALUE`, and in Python `settings={"TABLE.NAME": value}`, change one of them."""


def settings() -> str:
    """Return docs/settings.md: each line of edgetl/resources/defaults.toml as a row of its table."""
    from edgetl.recipe import resource

    parts, table = [_SETTINGS], ""
    for line in resource("defaults.toml").split("\n"):
        text, _, comment = line.partition(" # ")
        if line.startswith("["):
            table = text.strip().strip("[]")
            parts += [
                f"\n## {table}\n",
                *([f"{comment[0].upper()}{comment[1:]}.\n"] if comment else []),
                "| setting | default | meaning |",
                "|---|---|---|",
            ]
        elif table and line:
            name, _, default = text.partition("=")
            cells = (cell.strip().replace("|", "\\|") for cell in (f"`{table}.{name.strip()}`", f"`{default.strip()}`", comment))
            parts.append(f"| {' | '.join(cells)} |")
    return "\n".join([*parts, ""])


def _row(*cells: str) -> str:
    names, text = (cell.replace("|", "\\|") for cell in cells)
    return f"| `{names}` | {text} |"


if __name__ == "__main__":
    for name, page in (("cli.md", cli), ("settings.md", settings)):
        (HERE / name).write_text(page(), encoding="utf-8")
