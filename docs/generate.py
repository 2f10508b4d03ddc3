"""Write docs/cli.md and docs/python-api.md from the docstrings: python docs/generate.py."""

import ast
import inspect
import re
import textwrap
from pathlib import Path
from typing import Any

import edgetl

HERE = Path(__file__).parent
_CLI = """# The command line

Made by `docs/generate.py` from the commands themselves: `edgetl COMMAND --help` prints the same. Every command also takes `--json` (one
JSON document on stdout, all else on stderr) and `--verbose` (details, tracebacks, and what native code writes).
"""
_API = """# The Python API

Made by `docs/generate.py` from the docstrings. `import edgetl` loads nothing else: names load when they are used, and TensorFlow with the
first method that needs it.

```python
import edgetl

with edgetl.train("flowers/", backbone="mobilenet_v2", alpha=0.35, image_size=128) as run:
    run.export()
    assert run.validate().passed
    print(run.evaluate())

print(edgetl.load(run).predict("rose.jpg")[0].class_name)
```

`File` below is `str | Path`; `Overrides` is a mapping by dotted key, such as `{"augment.flip": False}`, or texts, such as
`["augment.flip=false"]`.

## What a program should know

- **Keras.** edgetl works with Keras 2 (`tf_keras`). A program may use Keras 3 (`keras`) beside it, imported before or after. If the
  program imports TensorFlow before edgetl, `tf.keras` stays what it was, Keras 3 included. If edgetl is the first to import it, `tf.keras`
  is Keras 2 for the rest of the process.
- **The process.** `import edgetl` changes nothing. The first method that needs TensorFlow sets the environment variables
  `TF_USE_LEGACY_KERAS`, `TF_CPP_MIN_LOG_LEVEL` (unless it is set) and, when it reads HDF5 files, `HDF5_PLUGIN_PATH`. TensorFlow then logs
  errors only, and takes GPU memory as it needs it. Training seeds the random generators of Python, NumPy and TensorFlow, and asks
  TensorFlow for deterministic kernels.
- **Logging.** Every module logs with the standard library under its own name below `edgetl`: progress notes as `info`, what may mislead as
  `warning`, what a bug report needs as `debug`. `logging.basicConfig(level="INFO")` shows what the commands show. `edgetl.log.Redact` is a
  filter that takes passwords and tokens out of records.
- **Progress.** On a terminal long work draws bars. `edgetl.progress_to(callback)` calls a function instead.
- **Locks.** One process at a time writes in a run: it is locked while a method works, or for as long as a `with` lasts.
- **Errors.** What the user can fix is an `edgetl.EdgetlError` with `problem`, `remedy` and `exit_code`; `edgetl.errors` has its
  subclasses.
- **Results** are frozen: their fields are attributes, `to_json()` gives plain values, and notebooks show them as tables.
- **Signals.** edgetl leaves the signals of a program alone: Ctrl-C is Python's `KeyboardInterrupt`. What is finished is kept.
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


def _row(*cells: str) -> str:
    names, text = (cell.replace("|", "\\|") for cell in cells)
    return f"| `{names}` | {text} |"


def api() -> str:
    """Return docs/python-api.md."""
    names = sorted(edgetl.__all__, key=lambda name: (not name[0].islower(), name))
    return "\n".join([_API, *(_entry(f"edgetl.{name}", getattr(edgetl, name)) for name in names)])


def _entry(name: str, public: Any, level: int = 2) -> str:
    head = f"{'#' * level} {name}\n"
    if inspect.isclass(public):
        signature = f"class {name}" + (_signature(public) if "__init__" in vars(public) and not issubclass(public, dict) else "")
    else:
        signature = f"{name}{_signature(public)}"
    parts = [head, f"```python\n{signature}\n```\n", f"{_prose(inspect.getdoc(public) or '')}\n"]
    if inspect.isclass(public) and not issubclass(public, dict | Exception | tuple):
        members = [(member, value) for member, value in vars(public).items() if not member.startswith("_") and inspect.isfunction(value)]
        parts += [_entry(f"{name.rpartition('.')[2]}.{member}", value, level + 1) for member, value in members]
    return "\n".join(parts)


def _signature(public: Any) -> str:
    """Return arguments and result as the source writes them."""
    made = vars(public).get("__init__") if inspect.isclass(public) else public
    if not inspect.isfunction(made) or made.__code__.co_filename == "<string>":  # a dataclass has no source of its own
        return f"({', '.join(getattr(public, '__dataclass_fields__', {}))})"
    [node] = ast.parse(textwrap.dedent(inspect.getsource(made))).body
    assert isinstance(node, ast.FunctionDef)
    positional = [*node.args.posonlyargs, *node.args.args]
    defaults = [None] * (len(positional) - len(node.args.defaults)) + list(node.args.defaults)
    given = [_argument(one, default) for one, default in zip(positional, defaults, strict=True) if one.arg != "self"]
    if node.args.posonlyargs:
        given.insert(len(node.args.posonlyargs), "/")
    named = [_argument(one, default) for one, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)]
    more = [f"**{_argument(node.args.kwarg, None)}"] if node.args.kwarg else []
    arguments = [*given, *(["*", *named] if named else []), *more]
    result = f" -> {ast.unparse(node.returns).strip(chr(39))}" if node.returns and not inspect.isclass(public) else ""
    line = f"({', '.join(arguments)}){result}"
    return line if len(line) < 100 else "(\n    " + ",\n    ".join(arguments) + f",\n){result}"


def _argument(one: ast.arg, default: ast.expr | None) -> str:
    annotation = f": {ast.unparse(one.annotation)}" if one.annotation else ""
    return f"{one.arg}{annotation}" + (f" = {ast.unparse(default)}" if default else "").replace("'", '"')


def _prose(text: str) -> str:
    """Return a docstring as Markdown: its Args as a list, its Example as code."""
    lines: list[str] = []
    block = ""
    for line in text.splitlines():
        if line.rstrip() in ("Args:", "Attributes:", "Example:"):
            block = line.rstrip()
            lines.append("```python" if block == "Example:" else "")
        elif block == "Example:" and (line.startswith(" ") or not line):
            lines.append(line.removeprefix("    "))
        elif block and line and not line.startswith(" "):
            lines += ["```", "", line] if block == "Example:" else ["", line]
            block = ""
        elif block and re.match(r"    \w[\w, ]*: ", line):
            name, _, rest = line.strip().partition(": ")
            lines.append(f"- `{name}`: {rest}")
        elif block and line:
            lines.append("  " + line.strip())
        elif not block and re.match(r"\w+(, \w+)*: ", line):
            name, _, rest = line.partition(": ")
            lines.append(f"- `{name}`: {rest}")
        else:
            lines.append(line)
    if block == "Example:":
        while lines and not lines[-1]:
            lines.pop()
        lines.append("```")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


if __name__ == "__main__":
    (HERE / "cli.md").write_text(cli(), encoding="utf-8")
    (HERE / "python-api.md").write_text(api(), encoding="utf-8")
