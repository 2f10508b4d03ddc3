"""Scripts tell failures apart by exit code, people by the message."""

import pytest

from edgetl import errors
from edgetl.errors import EXIT_CODES, DataError, EdgetlError

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
