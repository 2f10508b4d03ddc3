"""How a network is fed is found from labelled images: the right way wins, what cannot be decided is an error that shows the table."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from edgetl.errors import UsageError
from edgetl.importing.convention import usual
from edgetl.pipeline.imported.class_names import class_names_of
from edgetl.pipeline.imported.search import Feeding, Found, search

NAMES = ("cat", "cow", "dog", "owl")
LABELS = np.random.default_rng(1).permutation(240) % 4
CANDIDATES = [Feeding(one, "crop") for one in usual(3)]


def scores(sureness: Mapping[str, float], outputs: tuple[int, ...] = (0, 1, 2, 3)) -> Callable[[Feeding, slice], NDArray[np.float32]]:
    """Return logits that are noise, and above it so much for the right class; the same noise for all."""
    noise = np.random.default_rng(0).normal(size=(len(LABELS), 4))

    def score(candidate: Feeding, part: slice) -> NDArray[np.float32]:
        right = np.eye(4)[np.array(outputs)[LABELS]] * sureness.get(candidate.convention.name, 0.0)
        found: NDArray[np.float32] = (noise + right)[part].astype(np.float32)
        return found

    return score


def found(sureness: Mapping[str, float], candidates: list[Feeding] = CANDIDATES) -> Found:
    return search(candidates, scores(sureness), LABELS, NAMES)


def test_the_one_that_is_right_is_taken() -> None:
    result = found({"imagenet": 3.0, "minus-one-one": 1.0})
    assert result.chosen.convention.name == "imagenet"
    assert "ahead of all others" in result.reason
    assert result.tried[0].preprocessing == "imagenet"
    assert len(result.tried) == len(CANDIDATES)


def test_of_equal_ones_the_simplest_is_taken_and_that_is_said() -> None:
    result = found({"zero-one": 3.0, "zero-one:bgr": 3.0})
    assert result.chosen.convention.name == "zero-one"
    assert "simplest" in result.reason
    assert "zero-one:bgr (crop)" in result.reason


def test_of_equally_accurate_ones_the_lower_loss_is_taken() -> None:
    result = found({"raw": 3.0, "imagenet": 3.6})
    assert result.chosen.convention.name == "imagenet"
    assert "lowest loss" in result.reason


def test_a_network_of_random_weights_is_refused_with_the_table() -> None:
    with pytest.raises(UsageError, match="hardly better than chance") as error:
        found({})
    assert all(one.convention.name in error.value.problem for one in CANDIDATES)
    assert "--preprocessing" in str(error.value.remedy)


def test_what_was_asked_for_is_taken_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    result = search(CANDIDATES[:1], scores({}), LABELS, NAMES)
    assert result.reason == "as asked"
    assert "hardly better than chance" in caplog.text
    assert "random" in result.doubt, "for what the run says later"


def test_another_order_of_the_classes_is_named() -> None:
    with pytest.raises(UsageError) as error:
        search(CANDIDATES, scores({"zero-one": 4.0}, (2, 0, 3, 1)), LABELS, NAMES)
    assert "cow, owl, cat, dog" in error.value.problem
    assert "--class-names" in str(error.value.remedy)


@pytest.mark.parametrize(("outputs", "warned"), [((0, 3, 2, 1), True), ((0, 1, 2, 3), False)])
def test_two_names_that_are_exchanged_are_warned_of(outputs: tuple[int, ...], warned: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Half of the images are right then: far from chance, and far from what the network can do."""
    search(CANDIDATES, scores({"zero-one": 4.0}, outputs), LABELS, NAMES)
    assert ("'owl' means 'cow' and 'cow' means 'owl'" in caplog.text) == warned
    assert ("--class-names" in caplog.text) == warned


def test_too_few_images_to_tell_are_an_error() -> None:
    few = lambda candidate, part: scores({"raw": 2.0, "imagenet": 2.4})(candidate, slice(0, 16))[part]  # noqa: E731
    with pytest.raises(UsageError, match=r"cannot tell|hardly better than chance"):
        search(CANDIDATES, few, LABELS[:16], NAMES)


def test_outputs_are_named_by_the_file_its_metadata_or_the_folders(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("names") / "names.txt"
    file.write_text("owl\ncow\r\n\ndog\ncat\n", encoding="utf-8")
    folders = ("cat", "cow", "dog", "owl")
    assert class_names_of(str(file), (), folders, 4) == ("owl", "cow", "dog", "cat")
    assert class_names_of("", ("dog", "cat", "owl", "cow"), folders, 4) == ("dog", "cat", "owl", "cow")
    assert class_names_of("", ("n01", "n02", "n03", "n04"), folders, 4) == folders
    with pytest.raises(UsageError, match="5 outputs"):
        class_names_of("", (), folders, 5)
    assert class_names_of("", ("ape", "owl", "cow", "dog", "cat"), folders, 5) == ("ape", "owl", "cow", "dog", "cat")
    for text, outputs, reason in (
        ("owl\ncow\ndog\ncat\n", 5, "4 class names"),
        ("owl\ncow\ndog\ncat\ncat\n", 5, "same name for several outputs:\n  cat"),
        ("owl\ncow\ndog\nape\n", 4, "lacks the names of folders:\n  cat"),
    ):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(UsageError, match=reason):
            class_names_of(str(file), (), folders, outputs)
    with pytest.raises(UsageError, match="cannot read"):
        class_names_of(str(file.parent), (), folders, 4)
