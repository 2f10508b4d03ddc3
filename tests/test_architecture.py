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
from edgetl.backbones import BACKBONES
from edgetl.data import SOURCES
from edgetl.devices import KINDS
from edgetl.export import FORMATS
from edgetl.importing import IMPORTERS
from edgetl.quantization import SCHEMES, precisions
from edgetl.runtimes import RUNTIMES
from edgetl.ship.targets import TARGETS

ROOT = Path(edgetl.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

# The folder list is the pipeline: each may import only what stands before it (or itself).
ORDER = (
    *("errors", "wording", "registry", "overview", "software", "files", "fetch", "lock", "log", "stops", "streams", "console", "progress"),
    *(
        "documents",
        "accuracy",
        "output",
        "input",
        "contract_versions",
        "contract",
        "keras",
        "data",
        "recipe_tables",
        "recipe_values",
        "recipe",
    ),
    *("compared", "float_record", "int8_record", "run_record", "chosen", "run_folder"),
    *(
        "backbones",
        "importing",
        "training",
        "quantization",
        "micro",
        "tuning_record",
        "export",
        "runtimes",
        "evaluation",
        "diagnosis",
        "explanation",
    ),
    *("devices", "benchmarking", "ship", "report", "pipeline", "api", "cli", "__main__"),
)
MAX_FILE_LINES = 300  # what a reader can hold; also the reviewers' limit
MAX_FUNCTION_LINES = 60  # a page
# config stops at the door
RECIPE_READERS = ("recipe", "recipe_tables", "run_record", "run_folder", "tuning_record", "pipeline", "api", "cli")
ARITHMETIC = (
    *("metrics", "multi_label", "measures", "agreement", "statistics", "resampling", "calibration", "per_class", "scores", "curve"),
    *("faults", "allowance", "parity", "rejection", "thresholds"),
)
PURE = tuple(f"evaluation/{name}.py" for name in ARITHMETIC)
PURE_IMPORTS = {"collections", "dataclasses", "edgetl", "functools", "math", "numpy", "scipy", "sklearn", "typing"}
# It is run by itself, by the Keras generation that wrote a file from elsewhere.
OF_ITS_OWN_PROCESS = "pipeline/imported/original_program.py"
KERAS_GENERATIONS = {"tensorflow", "tf_keras", "keras"}
PRECISIONS = precisions()
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
        tool = (module.startswith("tensorflow.python.") and name != "keras.py") or module.split(".")[0] in TENSORFLOW_TOOLS
        if tool and stage(name) not in ("quantization", "export"):
            yield f"{line}: {module} outside quantization and export"
        elif tool and line < chosen:
            yield f"{line}: {module} before edgetl.keras"
        elif not tool and module.split(".")[0] in KERAS_GENERATIONS and name not in ("keras.py", OF_ITS_OWN_PROCESS):
            yield f"{line}: {module} outside edgetl/keras.py"


def one_door_each(name: str, tree: ast.Module) -> Iterator[str]:
    for line, module, _ in imports(name, tree):
        if module.split(".")[0] == "rich" and name != "console.py":
            yield f"{line}: rich outside edgetl/console.py"
        if module in ("pickle", "dill", "cloudpickle", "marshal", "shelve") and name != "backbones/weights/torch_file.py":
            yield f"{line}: {module} outside the restricted reader"
        if module in ("edgetl.recipe", "edgetl.recipe_tables", "edgetl.recipe_values") and stage(name) not in RECIPE_READERS:
            yield f"{line}: the recipe is read outside the pipeline and the commands"


def arithmetic_is_pure(name: str, tree: ast.Module) -> Iterator[str]:
    if name in PURE:
        yield from (f"{line}: {module}" for line, module, _ in imports(name, tree) if module.split(".")[0] not in PURE_IMPORTS)
        # Of documents the types Count and Share: what a figure may be.
        known = ("errors", "wording", "contract", "output", "accuracy", "documents", "evaluation")
        yield from (f"{line}: {module}" for line, module in own_imports(name, tree) if stage(module) not in known)


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


# Names of variants that mean something else, or that cannot be had from where they are needed; each with its reason.
NAMED_ELSEWHERE: dict[str, tuple[str, set[str]]] = {
    "cli/card.py": ("a key of the command's JSON", {"folder"}),
    "cli/compare.py": ("a key of the command's JSON", {"folder"}),
    "cli/explain.py": ("a key of the command's JSON", {"folder"}),
    "cli/export.py": ("flags, each with its own help; --set export.precisions names any", set(PRECISIONS)),
    "cli/train.py": ("Keras' types to compute in", {"float32", "mixed_float16"}),
    "devices/adb_connection.py": ("an extra of the package", {"android"}),
    "input.py": ("NumPy's type of a float model's input", {"float32"}),
    "output.py": ("NumPy's type of an int8 model's output", {"float32"}),
    "devices/browser_runtimes.py": ("the runtimes' builds for browsers, which only this device has", {"litert", "onnxruntime"}),
    "devices/engine_litert.py": ("runs on a device, without edgetl; NumPy's type", {"float32"}),
    "devices/engine_onnxruntime.py": ("runs on a device, without edgetl; NumPy's type, and a delegate", {"float32", "coreml"}),
    "devices/plan.py": ("a delegate of ONNX Runtime's", {"coreml"}),
    "devices/litert_profile.py": ("LiteRT's types of elements; runs on a device, without edgetl", {"float32", "int8"}),
    "devices/native.py": ("the runtimes' own programs for phones, which only this device runs", {"litert", "onnxruntime"}),
    "devices/runner.py": ("runs on a device, without edgetl", {"litert", "onnxruntime"}),
    "diagnosis/network.py": ("the doctor's choice of a network, with its reason", {"efficientnet_lite0"}),
    "keras.py": ("what the module exports; Keras' type to compute in", {"keras", "exact_float32", "float32"}),
    "micro/ethos_u.py": ("an extra of the package", {"mcu"}),
    "micro/interpreter.py": ("an extra of the package", {"mcu"}),
    "pipeline/environment.py": ("names of Python packages and of programs", {"keras", "adb", "ssh"}),
    "pipeline/imported/original_program.py": (
        "runs without edgetl; its argument is the kind of file",
        {"onnx", "tflite", "saved_model", "keras"},
    ),
    "pipeline/train/classifier.py": ("Keras' type to compute in", {"float32"}),
    "recipe_tables.py": ("Keras' types to compute in", {"float32", "mixed_float16"}),
    "quantization/distil.py": ("Keras' type to compute in", {"float32"}),
    "report/page/card.py": ("a Python package", {"onnxruntime"}),
    "software.py": ("Python packages", {"onnx", "onnxruntime"}),
    "runtimes/base.py": ("NumPy's type", {"float32"}),
    "runtimes/cpu.py": ("an instruction set", {"amx_int8"}),
    "stops.py": ("Python packages", {"keras", "tf_keras"}),
    "training/finetune.py": ("Keras' type to compute in", {"float16"}),
    "training/speed.py": ("Keras' types to compute in", {"float32", "mixed_float16"}),
    "training/train_head.py": ("NumPy's type", {"float32"}),
}


@cache
def variants() -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Return every variant's name with the files that may have it, and each of these files with the names that it stands for."""
    may, own = {precision: set[str]() for precision in precisions()}, dict[str, set[str]]()
    for registry in (BACKBONES, IMPORTERS, SCHEMES, FORMATS, RUNTIMES, KINDS, TARGETS, SOURCES):
        for name, entry in registry._entries.items():
            file = entry.target.partition(":")[0].removeprefix("edgetl.").replace(".", "/") + ".py"
            may.setdefault(name, set()).update({file, f"{Path(file).parent.as_posix()}/__init__.py"})
            own.setdefault(file, set()).add(name)
    for name in SCHEMES:
        may[SCHEMES.load(name).precision] |= may[name]
    return may, own


def no_variant_is_named_elsewhere(name: str, tree: ast.Module) -> Iterator[str]:
    """A variant's name stands in its own file and in its registry: what others ask about it is one of its properties.

    A variant's file may name what it builds on, another scheme or the runtime that it is for, but not ask whether something is it.
    Files beside it that are named after it are its own, too: `adb_connection.py`.
    """
    may, own = variants()
    compound = re.compile(rf"(?:\w+_)?({'|'.join(sorted(map(re.escape, may), key=len, reverse=True))})(?:\.\w*)?")
    spared = NAMED_ELSEWHERE.get(name, ("", set()))[1]
    documentation = {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.Expr)}
    compared = {id(part) for node in ast.walk(tree) if isinstance(node, ast.Compare) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in documentation:
            continue
        flag = node.value.startswith("--")
        for word in (node.value[2:].replace("-", "_") if flag else node.value).split("|"):
            found = compound.fullmatch(word)
            if found and not spared & {word, node.value}:
                at_home = name in may[found[1]] or name.startswith(f"{Path(name).parent.as_posix()}/{found[1]}_")
                if not at_home and (name not in own or id(node) in compared):
                    yield f"{node.lineno}: '{node.value}' names a variant: ask the variant or its registry"


RULES: tuple[Rule, ...] = (
    no_arrow_runs_back,
    no_leaf_imports_its_package,
    only_keras_py_chooses_the_keras,
    one_door_each,
    arithmetic_is_pure,
    functions_fit_a_page,
    nothing_forbidden,
    no_variant_is_named_elsewhere,
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
        (no_variant_is_named_elsewhere, "pipeline/explain.py", "SCHEMES.load('ptq_int8')"),
        (no_variant_is_named_elsewhere, "pipeline/explain.py", "record.find('export_int8', ExportFacts)"),
        (no_variant_is_named_elsewhere, "pipeline/ship/bundle.py", "wanted = ('model_int8.tflite',)"),
        (no_variant_is_named_elsewhere, "pipeline/ship/bundle.py", "name.startswith('model_int8.')"),
        (no_variant_is_named_elsewhere, "cli/ship.py", "metavar = 'litert|onnxruntime'"),
        (no_variant_is_named_elsewhere, "api/files.py", "devices = ['local']"),
        (no_variant_is_named_elsewhere, "export/onnx_fused.py", "if conversion.precision == 'int8': pass"),
    ],
)
def test_the_rule_catches(rule: Rule, name: str, source: str) -> None:
    """A check that cannot fail is worth nothing."""
    assert list(rule(name, ast.parse(source)))


@pytest.mark.parametrize("name", NAMED_ELSEWHERE)
def test_every_exception_is_needed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reason, words = NAMED_ELSEWHERE[name]
    monkeypatch.setitem(NAMED_ELSEWHERE, name, (reason, set()))
    found = "\n".join(no_variant_is_named_elsewhere(name, parsed(ROOT / name)))
    assert not [word for word in words if word not in found]


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
