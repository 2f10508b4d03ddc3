"""The input contract: an image must reach the first layer in the same way everywhere, so nothing doubtful may pass for a contract."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from edgetl.contract import Contract, Frame
from edgetl.errors import RunError
from edgetl.input import Batch
from edgetl.output import Rejection, Thresholds

MOBILENET = Contract.square(size=224, scale=1 / 127.5, zero_point=128, class_names=("cat", "dog"))


def test_normalizes_the_byte_grid_to_float32() -> None:
    """MobileNet's scale 1/127.5 and zero point 128: the byte itself is the quantized input."""
    pixels = np.array([0, 128, 255], np.uint8)
    real = MOBILENET.normalize(pixels)
    assert real.dtype == np.float32
    np.testing.assert_allclose(real, [-128 / 127.5, 0.0, 127 / 127.5], rtol=1e-6)
    assert (MOBILENET.low, MOBILENET.high) == pytest.approx((real[0], real[2]))


def test_byte_below_the_zero_point_does_not_wrap_around() -> None:
    """uint8 arithmetic would make 0 - 128 a positive 128."""
    assert MOBILENET.normalize(np.uint8(127)) < 0


@pytest.mark.parametrize(
    ("size", "box"),
    [((100, 100), (0, 0, 100, 100)), ((300, 200), (50, 0, 250, 200)), ((200, 301), (0, 50.5, 200, 250.5)), ((1, 3), (0, 1, 1, 2))],
)
def test_crop_is_the_central_square(size: tuple[int, int], box: tuple[float, ...]) -> None:
    assert MOBILENET.crop_box(*size) == box


def test_is_the_same_after_a_file(tmp_path: Path) -> None:
    contract = Contract.square(224, 1 / 127.5, 128, ("Käfer", "鳥", "a b"))
    contract.write(tmp_path / "contract.json")
    assert Contract.read(tmp_path / "contract.json") == contract


def test_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        MOBILENET.input.height = 128  # type: ignore[misc]


def test_another_size_changes_nothing_else() -> None:
    assert MOBILENET.taking(Frame(96, 96)) == Contract.square(96, 1 / 127.5, 128, ("cat", "dog")) == MOBILENET.enlarged(96 / 224)
    assert MOBILENET.ending_in("float32").enlarged(0.5).output.dtype == "float32"


def test_an_input_that_is_no_square_is_cut_with_its_own_proportions(tmp_path: Path) -> None:
    wide = MOBILENET.taking(Frame(48, 192, "gray"))
    assert wide.shape == (48, 192, 1)
    assert wide.crop_box(400, 200) == (0, 50, 400, 150)
    assert wide.crop_box(400, 50) == (100, 0, 300, 50)
    assert MOBILENET.taking(Frame(48, 192, crop="none")).crop_box(30, 20) == (0, 0, 30, 20)
    wide.write(tmp_path / "contract.json")
    assert Contract.read(tmp_path / "contract.json") == wide


def test_a_batch_is_a_number_or_free(tmp_path: Path) -> None:
    batches: tuple[Batch, ...] = (1, 256, "dynamic")
    for batch in batches:
        MOBILENET.in_batches(batch).write(tmp_path / "contract.json")
        assert Contract.read(tmp_path / "contract.json").input.batch == batch


@pytest.mark.parametrize(("classes", "dtype"), [(2, "uint8"), (256, "uint8"), (257, "float32"), (1000, "float32")])
def test_more_classes_than_steps_end_in_float(classes: int, dtype: str) -> None:
    """From there on an unsure model gives a class less than a step of 1/256."""
    contract = Contract.square(224, 1 / 127.5, 128, tuple(map(str, range(classes))))
    assert contract.output.dtype == contract.ending_in("auto").output.dtype == dtype
    assert [contract.ending_in(asked).output.dtype for asked in ("uint8", "float32")] == ["uint8", "float32"]
    assert contract.ending_in("uint8").ending_in("auto") == contract


def test_says_what_to_feed_in_words_and_numbers() -> None:
    feed = MOBILENET.to_json()["input"]["feed"]
    assert feed["shape"] == [224, 224, 3]
    assert feed["int8_model"] == {"dtype": "uint8", "lowest": 0, "highest": 255}
    assert feed["float_model"] == {"dtype": "float32", "lowest": 0, "highest": 255}
    assert "cut out the central square, resize it to a height of 224 and a width of 224 pixels" in feed["words"]
    assert "Do not divide them, and subtract no mean" in feed["words"]
    assert MOBILENET.taking(Frame(48, 96, "gray", "none")).input.feed.shape == (48, 96, 1)
    assert "scale" not in json.dumps(MOBILENET.to_json()["input"]), "what nobody is to apply stands apart"
    with pytest.raises(ValueError, match="it differs from the rest of the input"):
        Contract.parse(_changed("input.feed.shape", [96, 96, 3]))


def test_reads_the_first_version() -> None:
    values = MOBILENET.to_json()
    values["input"]["normalization_inside_the_model"] = values.pop("inside_the_model")["normalization"]
    del values["input"]["feed"]
    values["schema_version"] = 1
    assert Contract.parse(values) == MOBILENET
    no_image = ("dtype", "rejection", "thresholds")
    values["output"] = {key: value for key, value in values["output"].items() if key not in no_image}
    assert MOBILENET.of_the_images() == values, "so that runs of that time are not trained again"
    del values["input"]["normalization_inside_the_model"]
    with pytest.raises(ValueError, match="schema version 1"):
        Contract.parse(values)


def test_a_contract_from_before_there_was_a_choice_gives_uint8() -> None:
    values = MOBILENET.to_json()
    del values["output"]["dtype"]
    assert Contract.parse(values) == MOBILENET


NONSENSE: dict[str, list[Any]] = {
    "input.height": [0, -1, 2.5, "224", None, 5000],
    "input.width": [0, None],
    "inside_the_model.normalization.scale": [0.0, -1.0, math.nan, math.inf, "1"],
    "inside_the_model.normalization.zero_point": [-1, 256, 1.5, None],
    "output.dtype": ["int8", None],
    "output.class_names": [[], ["one"], ["same", "same"], "ab", [1, 2], None],
    "input.crop": ["stretch"],
    "input.resize": ["nearest"],
    "input.channels": ["BGR"],
    "input.dtype": ["float32"],
    "input.batch": [0, 257, "any", None],
    "input.surprise": [1],
    "output.task": ["regression"],
    "output.activation": ["relu"],
    "schema_version": [3, None],
}
# What the form has room for, and this version cannot do.
BEYOND: dict[str, list[Any]] = {
    "input.width": [192],
    "output.activation_inside_the_model": [False],
}


def _changed(place: str, value: Any) -> Any:
    values = MOBILENET.to_json()
    if "feed" not in place:
        del values["input"]["feed"]  # which would differ
    inner, *rest = place.split(".")
    table, key = (values, inner) if not rest else (values[inner], rest[0])
    for part in rest[1:]:
        table, key = table[key], part
    table[key] = value
    return values


def _cases(table: dict[str, list[Any]]) -> list[tuple[str, Any]]:
    return [(place, value) for place, values in table.items() for value in values]


@pytest.mark.parametrize(("place", "value"), _cases(NONSENSE))
def test_refuses_what_makes_no_sense(place: str, value: Any) -> None:
    """A file from elsewhere that asks for another crop, or a later schema, must not be read as if it asked for ours."""
    with pytest.raises(ValueError, match=place.split(".")[-1].replace("schema_version", "schema version")):
        Contract.parse(_changed(place, value))


@pytest.mark.parametrize(("place", "value"), _cases(BEYOND))
def test_refuses_what_it_has_room_for_and_cannot_do(place: str, value: Any, tmp_path: Path) -> None:
    (tmp_path / "contract.json").write_text(json.dumps(_changed(place, value)), encoding="utf-8")
    with pytest.raises(RunError, match="this version of edgetl does not support"):
        Contract.read(tmp_path / "contract.json")


REJECTING = MOBILENET.rejecting(Rejection(threshold=0.6, keep=0.95, inside_the_model=True))


def test_an_image_below_the_threshold_shows_none_of_the_classes(tmp_path: Path) -> None:
    rows = np.array([[0.7, 0.3], [0.3, 0.6], [0.5, 0.4], [0.1, 0.1]])
    assert MOBILENET.output.present(rows).sum(1).tolist() == [1, 1, 1, 1]
    assert REJECTING.output.present(rows).tolist() == [[True, False], [False, True], [False, False], [False, False]]
    REJECTING.write(tmp_path / "contract.json")
    assert Contract.read(tmp_path / "contract.json") == REJECTING


def test_a_class_has_the_higher_of_its_own_threshold_and_the_rejections() -> None:
    contract = REJECTING.with_thresholds(Thresholds(per_class=(0.2, 0.9)))
    assert contract.output.present_from.tolist() == [0.6, 0.9]
    assert contract.output.present(np.array([[0.1, 0.8], [0.65, 0.2]])).tolist() == [[False, False], [True, False]]


def test_refuses_thresholds_of_another_number_of_classes() -> None:
    with pytest.raises(ValueError, match="1 threshold for 2 classes"):
        Contract.parse(_changed("output.thresholds", {"per_class": [0.5]}))


@pytest.mark.parametrize("key", ["height", "crop", "name"])
def test_refuses_a_missing_value(key: str) -> None:
    values = MOBILENET.to_json()
    del values["input"][key]
    with pytest.raises(ValueError, match=key):
        Contract.parse(values)


@pytest.mark.parametrize("content", [b"", b"[1]", b"null", b"{", b"\xff\xfe\x00", b'{"class_names": 1}'])
def test_a_broken_file_is_a_clear_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "contract.json"
    path.write_bytes(content)
    with pytest.raises(RunError):
        Contract.read(path)


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no contract"):
        Contract.read(tmp_path / "contract.json")
    with pytest.raises(RunError):
        Contract.read(tmp_path)


def test_of_several_classes_each_that_reaches_its_threshold_is_there() -> None:
    several = MOBILENET.for_task("multi-label")
    rows = np.array([[0.9, 0.6], [0.2, 0.499], [0.2, 0.49]])
    assert several.output.activation == "sigmoid"
    assert several.output.decides
    assert several.output.present(rows).tolist() == [[True, True], [False, True], [False, False]]
    assert several.with_thresholds(Thresholds(per_class=(0.95, 0.3))).output.present(rows).sum(1).tolist() == [1, 1, 1]
    assert Contract.parse(several.to_json()) == several
    assert several.for_task("single-label") == MOBILENET
    with pytest.raises(ValueError, match="multi-label predictions have a sigmoid"):
        Contract.parse(_changed("output.task", "multi-label"))
    with pytest.raises(ValueError, match="no rejection"):
        Contract.parse(several.rejecting(REJECTING.output.rejection).to_json())
