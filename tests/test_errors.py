"""Scripts tell failures apart by exit code, people by the message."""

import ast
import inspect

import pytest

from edgetl import errors
from edgetl.errors import EXIT_CODES, DataError, EdgetlError
from tests.test_architecture import FILES, ROOT, parsed

CLASSES = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, EdgetlError)]


def test_every_class_has_an_exit_code_of_its_own() -> None:
    codes = [kind.exit_code for kind in CLASSES]
    assert len(set(codes)) == len(codes)
    assert 0 not in codes, "0 means success"
    assert max(codes) < 126, "a shell uses 126 and above for itself"


def test_the_documented_exit_codes_are_those_of_the_classes() -> None:
    assert set(EXIT_CODES) == {0} | {kind.exit_code for kind in CLASSES}
    assert all(EXIT_CODES.values()), "each is explained"


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_class_says_what_it_is_for(kind: type[EdgetlError]) -> None:
    assert "__doc__" in vars(kind), "one docstring each, not the base's"
    assert (kind.__doc__ or "").strip()


def test_text_is_the_problem_then_the_remedy() -> None:
    error = DataError("no images in 'a'", "put some there")
    assert str(error) == "no images in 'a'\nput some there"
    assert (error.problem, error.remedy) == ("no images in 'a'", "put some there")


def test_without_a_remedy_there_is_no_empty_line() -> None:
    assert str(DataError("no images")) == "no images"


@pytest.mark.parametrize(
    ("remedy", "hint"),
    [
        ("choose another folder with --out", "(in Python: --out is out=...)"),
        ("allow it: --set data.max_bad_fraction=1", "(in Python: --set is settings=...)"),
        ("at most: --cv 20; or --no-qat", "(in Python: --cv is folds=..., --no-qat is qat=False)"),
        ("run: edgetl train DATA --exclude FILE", ""),
        ("pip install --platform x", ""),
        ("nothing", ""),
    ],
)
def test_a_program_sees_its_own_words_for_an_option(remedy: str, hint: str) -> None:
    error = DataError("a problem", remedy)
    assert error.remedy == remedy, "a command prints this"
    assert str(error) == "\n".join(filter(None, ("a problem", remedy, hint)))


def test_every_option_in_a_message_is_a_keyword_of_the_api() -> None:
    import edgetl
    from edgetl.pipeline.predict import Classifier

    functions = [getattr(edgetl, name) for name in edgetl.__all__]
    functions += [value for kind in (edgetl.Run, Classifier) for value in vars(kind).values() if inspect.isfunction(value)]
    known = {name for one in functions if inspect.isfunction(one) for name in inspect.signature(one).parameters}
    known |= {name for one in functions if inspect.isclass(one) for name in one.__annotations__}
    unknown = set()
    for path in (path for path in FILES if path.relative_to(ROOT).parts[0] not in ("cli", "devices", "deploy")):
        for call in (node for node in ast.walk(parsed(path)) if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Error")):
            for option in errors._OPTION.findall(ast.unparse(call)):
                if option and errors.keyword(option).partition("=")[0] not in known:
                    unknown.add((path.name, option))
    assert not unknown
