"""The house rules (CONTRIBUTING.md), read off the source: an arrow that runs back fails here, not in a review."""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import edgetl

ROOT = Path(edgetl.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

# The folder list is the pipeline: each may import only what stands before it (or itself).
ORDER = (
    *("errors", "registry", "overview", "software", "files", "lock", "log", "stops", "console", "progress"),
    *("documents", "recipe", "contract", "run_record", "run_folder", "tuning_record", "keras"),
    *("data", "backbones", "training", "quantization", "export", "runtimes", "evaluation", "diagnosis", "explanation"),
    *("devices", "benchmarking", "ship", "report", "pipeline", "api", "cli", "__main__"),
)
MAX_FILE_LINES = 300  # what a reader can hold; also the reviewers' limit
MAX_FUNCTION_LINES = 60  # a page
RECIPE_READERS = ("recipe", "run_record", "run_folder", "tuning_record", "pipeline", "api", "cli")  # config stops at the door
ARITHMETIC = ("metrics", "agreement", "statistics", "calibration", "per_class", "scores", "curve", "parity")
PURE = tuple(f"evaluation/{name}.py" for name in ARITHMETIC)
PURE_IMPORTS = {"collections", "dataclasses", "edgetl", "functools", "math", "numpy", "scipy", "sklearn", "typing"}
KERAS_GENERATIONS = {"tensorflow", "tf_keras", "keras"}
TENSORFLOW_TOOLS = {"tensorflow_model_optimization", "tf2onnx"}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


Rule = Callable[[str, ast.Module], Iterator[str]]


def imports(name: str, tree: ast.Module) -> Iterator[tuple[int, str, str]]:
    """(line, module, imported name or '') of every import in a file, also those inside functions; relative ones made absolute."""
    package = ["edgetl", *Path(name).parent.parts]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) + "." if node.level else ""
            yield from ((node.lineno, (base + (node.module or "")).rstrip("."), alias.name) for alias in node.names)


def own_imports(name: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, module) of edgetl's own modules that a file imports, as paths below edgetl without suffix: 'data', 'data/decode'."""
    for line, module, imported in imports(name, tree):
        parts = module.split(".")
        if parts[0] == "edgetl":
            path = "/".join(parts[1:])
            longer = f"{path}/{imported}".strip("/")
            yield line, longer if imported and _is_module(longer) else path


def _is_module(path: str) -> bool:
    return (ROOT / f"{path}.py").is_file() or (ROOT / path / "__init__.py").is_file()


def stage(name: str) -> str:
    return Path(name).parts[0].removesuffix(".py")


def no_arrow_runs_back(name: str, tree: ast.Module) -> Iterator[str]:
    if name == "__init__.py":
        api = ("api", "errors", "progress")  # named for type checkers, loaded when used
        yield from (f"{line}: edgetl/__init__.py imports {module}" for line, module in own_imports(name, tree) if stage(module) not in api)
    elif stage(name) not in ORDER:
        yield f"1: {stage(name)} has no place in ORDER"
    else:
        later = set(ORDER[ORDER.index(stage(name)) + 1 :])
        yield from (f"{line}: {stage(name)} imports {module}" for line, module in own_imports(name, tree) if stage(module or "-") in later)


def no_leaf_imports_its_package(name: str, tree: ast.Module) -> Iterator[str]:
    """A leaf is a registered variant, or the base of all of them: what the registry loads must not need the registry."""
    package = Path(name).parent.as_posix()
    if name.removesuffix(".py") in {f"{package}/base"} | {module for module, _ in registered(package)}:
        yield from (f"{line}: imports {package}/__init__.py" for line, module in own_imports(name, tree) if module == package)


def registered(package: str) -> list[tuple[str, str]]:
    """(module, attribute) of every target in a package's registries; modules as paths below edgetl."""
    path = ROOT / package / "__init__.py"
    text = path.read_text(encoding="utf-8") if package != "." and path.exists() else ""
    return [(module.replace(".", "/"), attribute) for module, attribute in re.findall(r'"edgetl\.([\w.]+):(\w+)"', text)]


def only_keras_py_chooses_the_keras(name: str, tree: ast.Module) -> Iterator[str]:
    chosen = min((line for line, module in own_imports(name, tree) if module == "keras"), default=10**9)
    for line, module, _ in imports(name, tree):
        tool = module.startswith("tensorflow.python.") or module.split(".")[0] in TENSORFLOW_TOOLS
        if tool and stage(name) not in ("quantization", "export"):
            yield f"{line}: {module} outside quantization and export"
        elif tool and line < chosen:
            yield f"{line}: {module} before edgetl.keras"
        elif not tool and module.split(".")[0] in KERAS_GENERATIONS and name != "keras.py":
            yield f"{line}: {module} outside edgetl/keras.py"


def one_door_each(name: str, tree: ast.Module) -> Iterator[str]:
    for line, module, _ in imports(name, tree):
        if module.split(".")[0] == "rich" and name != "console.py":
            yield f"{line}: rich outside edgetl/console.py"
        if module in ("pickle", "dill", "cloudpickle", "marshal", "shelve") and name != "backbones/weights/torch_file.py":
            yield f"{line}: {module} outside the restricted reader"
        if module == "edgetl.recipe" and stage(name) not in RECIPE_READERS:
            yield f"{line}: the recipe is read outside the pipeline and the commands"


def arithmetic_is_pure(name: str, tree: ast.Module) -> Iterator[str]:
    if name in PURE:
        yield from (f"{line}: {module}" for line, module, _ in imports(name, tree) if module.split(".")[0] not in PURE_IMPORTS)
        yield from (
            f"{line}: {module}" for line, module in own_imports(name, tree) if stage(module) not in ("errors", "contract", "evaluation")
        )


def functions_fit_a_page(name: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (node.end_lineno or 0) - node.lineno >= MAX_FUNCTION_LINES:
            yield f"{node.lineno}: {node.name} is longer than {MAX_FUNCTION_LINES} lines"


def nothing_forbidden(name: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            flags = {keyword.arg for keyword in node.keywords if isinstance(keyword.value, ast.Constant) and keyword.value.value is True}
            if called in ("print", "eval", "exec", "os.system", "os.popen") or re.fullmatch(r"pickle\.(loads?|Unpickler)", called):
                yield f"{node.lineno}: {called}()"
            yield from (f"{node.lineno}: {flag}=True" for flag in sorted(flags & {"shell", "allow_pickle"}))
        if isinstance(node, ast.ExceptHandler) and _catches_all(node) and not isinstance(node.body[-1], ast.Raise):
            yield f"{node.lineno}: catches everything and goes on"


def _catches_all(handler: ast.ExceptHandler) -> bool:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or ast.unparse(kind) in ("Exception", "BaseException") for kind in caught)


RULES: tuple[Rule, ...] = (
    no_arrow_runs_back,
    no_leaf_imports_its_package,
    only_keras_py_chooses_the_keras,
    one_door_each,
    arithmetic_is_pure,
    functions_fit_a_page,
    nothing_forbidden,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_file_keeps_the_rule(rule: Rule) -> None:
    names = {file: file.relative_to(ROOT).as_posix() for file in FILES}
    broken = [f"edgetl/{name}:{found}" for file, name in names.items() for found in rule(name, parsed(file))]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize(
    ("rule", "name", "source"),
    [
        (no_arrow_runs_back, "data/decode.py", "from edgetl.training import head"),
        (no_arrow_runs_back, "errors.py", "def f():\n    import edgetl.console"),
        (no_arrow_runs_back, "data/decode.py", "from ..cli import app"),
        (no_arrow_runs_back, "utils/things.py", ""),
        (no_leaf_imports_its_package, "backbones/mobilenet_v2.py", "from edgetl.backbones import REGISTRY"),
        (no_leaf_imports_its_package, "backbones/mobilenet_v2.py", "from . import REGISTRY"),
        (only_keras_py_chooses_the_keras, "training/head.py", "import tensorflow as tf"),
        (only_keras_py_chooses_the_keras, "training/head.py", "import tensorflow_model_optimization"),
        (only_keras_py_chooses_the_keras, "export/onnx_file.py", "import tf2onnx\nfrom edgetl.keras import tf"),
        (one_door_each, "cli/show.py", "from rich.table import Table"),
        (one_door_each, "data/cache.py", "import pickle"),
        (one_door_each, "data/cache.py", "from edgetl.recipe import Data"),
        (arithmetic_is_pure, "evaluation/metrics.py", "import pathlib"),
        (arithmetic_is_pure, "evaluation/metrics.py", "from edgetl.runtimes.base import Session"),
        (functions_fit_a_page, "pipeline.py", "def f():\n" + "    x = 1\n" * MAX_FUNCTION_LINES),
        (nothing_forbidden, "pipeline.py", "subprocess.run(command, shell=True)"),
        (nothing_forbidden, "pipeline.py", "try:\n    f()\nexcept (ValueError, Exception):\n    pass"),
        (nothing_forbidden, "pipeline.py", "try:\n    f()\nexcept:\n    pass"),
        (nothing_forbidden, "pipeline.py", "print(1)"),
        (nothing_forbidden, "pipeline.py", "np.load(path, allow_pickle=True)"),
    ],
)
def test_the_rule_catches(rule: Rule, name: str, source: str) -> None:
    """A check that cannot fail is worth nothing."""
    assert list(rule(name, ast.parse(source)))


def test_no_cycles() -> None:
    """Python would run some of them, in the one import order that was tried."""
    graph = {}
    for file in FILES:
        name = file.relative_to(ROOT).as_posix()
        node = name.removesuffix(".py").removesuffix("/__init__")
        graph[node] = {module for _, module in own_imports(name, parsed(file))} - {node}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def test_files_are_short_and_finished() -> None:
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        assert text.count("\n") <= MAX_FILE_LINES, f"{file} is longer than {MAX_FILE_LINES} lines"
        assert not re.search(r"\b(TODO|FIXME|XXX)\b", text), f"{file}: what is left to do belongs in an issue"


def test_registry_targets_lie_in_their_own_folder() -> None:
    """A variant is one file in its folder and one line in that folder's registry; a target that is not there fails before it is used."""
    for package in (path.parent.name for path in ROOT.glob("*/__init__.py")):
        for module, attribute in registered(package):
            assert module.startswith(f"{package}/"), f"{package}: {module} lies elsewhere"
            source = (ROOT / f"{module}.py").read_text(encoding="utf-8")
            assert re.search(rf"^(def |class )?{attribute}\b", source, re.MULTILINE), f"{module} has no {attribute}"


HEAVY = ("tensorflow", "tf_keras", "keras", "tf2onnx", "onnx", "onnxruntime", "ai_edge_litert", "sklearn", "scipy", "matplotlib")


@pytest.mark.parametrize(
    "statement",
    [
        "import edgetl",
        pytest.param(
            "import runpy; sys.argv = ['edgetl', '--help']; runpy.run_module('edgetl', run_name='__main__')",
            marks=pytest.mark.skipif(not (ROOT / "cli" / "app.py").exists(), reason="there are no commands"),
        ),
    ],
    ids=["import", "help"],
)
def test_starts_without_tensorflow(statement: str) -> None:
    """TensorFlow takes seconds to import; help must not wait for it."""
    loaded = f"sorted(sys.modules.keys() & set({HEAVY}))"
    code = f"import atexit, sys\natexit.register(lambda: print('loaded', {loaded}, file=sys.stderr))\n{statement}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "loaded []" in done.stderr
