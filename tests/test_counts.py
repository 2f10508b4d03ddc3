"""Rules of the code's shape that are counted: documents are types, options are named, docstrings begin with a verb.

A ceiling is what is left; it may only fall.
"""

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.test_architecture import FILES, ROOT, parsed

Find = Callable[[str, ast.Module], Iterator[tuple[int, str]]]

# Where dictionaries of others come in or leave: a reader, a protocol, a schema or a library of another project.
BOUNDARIES = {
    "files.py": "reads JSON",
    "documents.py": "reads and writes JSON",
    "contract_versions.py": "reads the contract of an earlier version",
    "run_record.py": "parses the record of an earlier version",
    "recipe.py": "holds a recipe before it is checked, and reads pydantic's list of mistakes",
    "recipe_values.py": "reads TOML",
    "backbones/keras_file.py": "checks Keras' configuration before Keras reads it",
    "backbones/weights/backbone_file.py": "reads the header of a file of weights",
    "backbones/weights/hdf5.py": "reads HDF5",
    "data/decode.py": "reads Pillow's facts of an image",
    "pipeline/imported/original_program.py": "runs in a process of its own, with nothing of edgetl",
    "devices/runner.py": "runs on a device, with nothing but Python's own modules",
    "devices/engine_compiled.py": "runs on a device, with nothing but Python's own modules",
    "devices/engine_litert.py": "runs on a device, with nothing but Python's own modules",
    "devices/engine_onnxruntime.py": "runs on a device, with nothing but Python's own modules",
    "devices/litert_profile.py": "runs on a device, with nothing but Python's own modules",
    "explanation/inner.py": "reads LiteRT's facts of tensors",
    "importing/keras_call.py": "reads Keras' configuration of a layer",
    "importing/keras_file.py": "reads attributes of HDF5 and JSON",
    "importing/keras_graph.py": "reads Keras' configuration of a model",
    "importing/keras_layers.py": "reads Keras' configuration of a layer",
    "importing/keras_moves.py": "reads Keras' configuration of a layer",
    "importing/saved_model.py": "reads TensorFlow's protocol messages",
    "importing/tensorflow_node.py": "reads TensorFlow's protocol messages",
    "importing/tensorflow_operators.py": "reads TensorFlow's protocol messages",
    "keras.py": "reads TensorFlow's facts of a device",
    "micro/ethos_u.py": "reads the compiler's table",
    "micro/program.py": "reads TensorFlow Lite Micro's facts of tensors",
    "pipeline/measured.py": "reads the arrays of an .npz file",
    "quantization/wrappers.py": "is called by tensorflow-model-optimization with dictionaries of variables",
    "runtimes/cpu.py": "reads /proc/cpuinfo and NumPy's facts of a processor",
    "runtimes/litert.py": "reads LiteRT's facts of tensors",
    "software.py": "reads what pip recorded of an installation",
    "stops.py": "reads the globals of a frame",
    "training/checkpoint.py": "reads the header of an .npz file",
    "training/speed.py": "reads TensorFlow's facts of a device",
    "training/team.py": "reads TF_CONFIG",
}
TENSORFLOW = re.compile(r"^\s*(from|import) (edgetl\.keras|tensorflow|tf_keras|tf2onnx|tensorflow_model_optimization)\b", re.MULTILINE)
MAX_PARAMETERS = 5
NOUNS_FIRST = re.compile(r"(Of|That|What|Whether|As|The|A|An|How|Where|By|In|For|To|From|With|Its|These|This|All|Each|Every|One|Two)\b")


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    inside = function.args
    every = (*inside.posonlyargs, *inside.args, *inside.kwonlyargs, inside.vararg, inside.kwarg)
    return [one for one in every if one is not None and one.arg not in ("self", "cls")]


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def annotations(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of every annotation in a signature."""
    for function in functions(tree):
        for one in (*(parameter.annotation for parameter in parameters(function)), function.returns):
            if one is not None:
                yield one.lineno, ast.unparse(one)


def string_keyed_reads(name: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Find `document["key"]` and `document.get("key")`: a document is a type, and read by its attributes."""
    if name in BOUNDARIES:
        return
    keywords = _typed_keywords(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and _is_text(node.slice) and not _is_type(node.value):
            yield node.lineno, ast.unparse(node)
        is_get = isinstance(node, ast.Call) and re.fullmatch(r"(?!os\.environ).*\.get", ast.unparse(node.func), re.DOTALL)
        if isinstance(node, ast.Call) and is_get and _is_text(*node.args[:1]) and id(node) not in keywords:
            yield node.lineno, ast.unparse(node)


def _typed_keywords(tree: ast.Module) -> set[int]:
    """Return the reads of a function's own `**options: Unpack[...]`: no document, and mypy checks each key and its type."""
    found = set()
    for function in functions(tree):
        own = function.args.kwarg
        if own and own.annotation and ast.unparse(own.annotation).startswith("Unpack["):
            calls = (node for node in ast.walk(function) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute))
            found |= {id(call) for call in calls if ast.unparse(call.func) == f"{own.arg}.get"}
    return found


def _is_type(node: ast.expr) -> bool:
    """Whether a subscript makes a type of it, as in `Literal["uint8"]` or `list["Project"]`."""
    return isinstance(node, ast.Name) and (node.id[0].isupper() or node.id in ("list", "tuple", "dict", "type"))


def _is_text(*nodes: ast.expr) -> bool:
    return bool(nodes) and isinstance(nodes[0], ast.Constant) and isinstance(nodes[0].value, str)


def dictionaries_in_signatures(name: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    if name not in BOUNDARIES:
        for line, text in annotations(tree):
            yield from ((line, found) for found in re.findall(r"\w*(?:[dD]ict|Mapping)\[str, Any\]", text))


def any_in_signatures(name: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Find `Any` where no TensorFlow, which has no types, is imported."""
    if not TENSORFLOW.search((ROOT / name).read_text(encoding="utf-8") if (ROOT / name).is_file() else ast.unparse(tree)):
        for line, text in annotations(tree):
            yield from ((line, text) for _ in re.findall(r"\bAny\b", text))


def positional_flags(name: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Find bool parameters that a call may give without their name; typer and tensorflow-model-optimization call by position."""
    if name.startswith("cli/") or name == "quantization/wrappers.py":
        return
    for function in functions(tree):
        for parameter in (*function.args.posonlyargs, *function.args.args):
            if parameter.annotation is not None and ast.unparse(parameter.annotation) in ("bool", "bool | None"):
                yield function.lineno, f"{function.name}({parameter.arg})"


def long_parameter_lists(name: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Find functions with more than five parameters, for which an object of options is due; a command's are its options."""
    for function in functions(tree):
        if len(parameters(function)) > MAX_PARAMETERS and not name.startswith("cli/"):
            yield function.lineno, f"{function.name} has {len(parameters(function))}"


def splats_for_the_formatter(name: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Find `*(a, b)` in a call or a list, which says no more than `a, b`."""
    for node in ast.walk(tree):
        elements = node.args if isinstance(node, ast.Call) else node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else ()
        for one in elements:
            if isinstance(one, ast.Starred) and isinstance(one.value, ast.Tuple | ast.List):
                yield one.lineno, ast.unparse(one)[:60]


def docstrings_without_a_verb(name: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Find functions whose docstring does not begin with what the function does; a property names what it is."""
    for function in functions(tree):
        is_property = any(ast.unparse(one).split(".")[-1] in ("property", "cached_property", "setter") for one in function.decorator_list)
        text = ast.get_docstring(function) or ""
        if NOUNS_FIRST.match(text) and not (is_property and not re.match(r"(Of|That|What)\b", text)):
            yield function.lineno, f"{function.name}: {text[:50]}"


def fragments(name: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Find docstrings of modules and classes that begin in the middle of a sentence."""
    for node in (tree, *(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))):
        text = ast.get_docstring(node) or ""
        if re.match(r"(Of|That|What|As)\b", text):
            yield getattr(node, "lineno", 1), text[:50]


def called_as_its_package(name: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Find a file that has the name of a package which it imports; in runtimes/ an adapter is called as what it adapts."""
    stem = name.rsplit("/", 1)[-1].removesuffix(".py")
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) and not name.startswith("runtimes/"):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from ((node.lineno, module) for module in modules if module.split(".")[0] == stem and stem != "edgetl")


# What there may be; `Any` is what is left of 366.
CEILINGS: dict[Find, int] = {
    string_keyed_reads: 0,
    dictionaries_in_signatures: 0,
    any_in_signatures: 104,
    positional_flags: 0,
    long_parameter_lists: 0,
    splats_for_the_formatter: 0,
    docstrings_without_a_verb: 0,
    fragments: 0,
    called_as_its_package: 0,
}


def found(find: Find) -> list[tuple[str, int, str]]:
    """Return (file, line, what) of everything in the package that the rule forbids."""
    every = []
    for path in FILES:
        name = path.relative_to(ROOT).as_posix()
        every += [(name, line, what) for line, what in find(name, parsed(path))]
    return every


@pytest.mark.parametrize("find", CEILINGS, ids=lambda find: find.__name__)
def test_no_more_than_there_may_be(find: Find) -> None:
    every = found(find)
    most = ", ".join(f"{file} {count}" for file, count in Counter(file for file, *_ in every).most_common(12))
    listed = "\n".join(f"edgetl/{file}:{line}: {what}" for file, line, what in every)
    assert len(every) <= CEILINGS[find], f"{len(every)}, most in {most}\n{listed}"


@pytest.mark.parametrize(
    ("find", "name", "source"),
    [
        (string_keyed_reads, "report/tables.py", "record['stages']"),
        (string_keyed_reads, "report/tables.py", "record.get('stages', {})"),
        (string_keyed_reads, "api/files.py", "def f(**options: Any): return options.get('runs', 50)"),
        (string_keyed_reads, "api/files.py", "def f(**options: Unpack[Options]): return options['runs'] + record.get('runs')"),
        (dictionaries_in_signatures, "report/tables.py", "def f(x: Mapping[str, Any]) -> None: pass"),
        (dictionaries_in_signatures, "report/tables.py", "def f() -> list[dict[str, Any]]: pass"),
        (any_in_signatures, "report/none.py", "def f(x: Any) -> None: pass"),
        (positional_flags, "export/base.py", "def f(x: int, force: bool) -> None: pass"),
        (long_parameter_lists, "export/base.py", "def f(a, b, c, d, *, e, f): pass"),
        (splats_for_the_formatter, "export/base.py", "f(*(a, b))"),
        (splats_for_the_formatter, "export/base.py", "x = [*('a', 'b'), 'c']"),
        (docstrings_without_a_verb, "export/base.py", "def f():\n    'The bytes.'"),
        (docstrings_without_a_verb, "export/base.py", "class A:\n    @property\n    def f(self):\n        'Of a pretraining.'"),
        (fragments, "export/base.py", "'What a format does.'"),
        (fragments, "export/base.py", "class A:\n    'Of what is exported.'"),
        (called_as_its_package, "export/onnx.py", "from onnx import numpy_helper"),
    ],
)
def test_it_is_counted(find: Find, name: str, source: str) -> None:
    assert list(find(name, ast.parse(source)))


@pytest.mark.parametrize(
    ("find", "name", "source"),
    [
        (string_keyed_reads, "files.py", "record['stages']"),
        (string_keyed_reads, "report/tables.py", "record['stages'] = 1; os.environ.get('CI')"),
        (string_keyed_reads, "api/files.py", "def f(**options: Unpack[Options]): return options.get('runs', 50)"),
        (any_in_signatures, "training/none.py", "from edgetl.keras import tf\ndef f(x: Any) -> None: pass"),
        (positional_flags, "export/base.py", "def f(x: int, *, force: bool) -> None: pass"),
        (splats_for_the_formatter, "export/base.py", "f(*given)"),
        (docstrings_without_a_verb, "export/base.py", "def f():\n    'Return the bytes.'"),
        (docstrings_without_a_verb, "export/base.py", "class A:\n    @property\n    def f(self):\n        'The index of the images.'"),
    ],
)
def test_it_is_allowed(find: Find, name: str, source: str) -> None:
    assert not list(find(name, ast.parse(source)))


def test_every_boundary_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that reads no dictionary of others any more has no need to be excepted."""
    boundaries = set(BOUNDARIES)
    monkeypatch.setattr(f"{__name__}.BOUNDARIES", {})
    assert boundaries <= {file for find in (string_keyed_reads, dictionaries_in_signatures) for file, *_ in found(find)}


def test_no_two_classes_have_one_name() -> None:
    where: dict[str, list[str]] = {}
    for path in FILES:
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ClassDef):
                where.setdefault(node.name, []).append(path.relative_to(ROOT).as_posix())
    twice = {name: files for name, files in where.items() if len(files) > 1}
    assert not twice, twice
