"""Which images are golden, and what counts as the same prediction."""

import json

import numpy as np
import pytest

from edgetl.contract import Contract
from edgetl.errors import ParityError, RunError
from edgetl.output import Rejection
from edgetl.ship import golden
from edgetl.ship.golden import MAX_STEPS, Golden, check, check_resize, choose, mosaic

PREDICTIONS = np.array([[0.9, 0.1], [0.6, 0.4], [0.51, 0.49], [0.2, 0.8], [0.45, 0.55], [0.05, 0.95], [0.3, 0.7]], np.float32)
LABEL_IDS = np.array([0, 0, 0, 1, 1, 1, 0])


def test_the_surest_of_each_class_and_the_closest_calls() -> None:
    shown = np.eye(2, dtype=bool)[LABEL_IDS]
    assert choose(PREDICTIONS, shown, OUTPUT, 4).tolist() == [0, 5, 2, 4]
    assert sorted(choose(PREDICTIONS, shown, OUTPUT, 100).tolist()) == list(range(7)), "few images are all golden"
    many = contract(tuple(map(str, range(30)))).output
    assert choose(np.eye(30, dtype=np.float32), np.eye(30, dtype=bool), many, 12).tolist()[:6] == [0, 1, 2, 3, 4, 5], "half at most"


def test_of_several_classes_an_image_with_none_and_one_with_both_come_first() -> None:
    shown = np.array([[1, 0], [1, 0], [0, 0], [0, 0], [1, 1], [1, 1], [0, 1], [1, 0]], bool)
    predictions = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.1], [0.1, 0.3], [0.6, 0.9], [0.8, 0.9], [0.2, 0.8], [0.48, 0.3]], np.float32)
    assert choose(predictions, shown, SEVERAL.output, 8).tolist()[:4] == [2, 0, 5, 7], "none, one, and both, then the closest call"
    assert sorted(choose(predictions, shown, SEVERAL.output, 100).tolist()) == list(range(8))
    assert choose(predictions[:2], shown[:2], SEVERAL.output).tolist() == [0, 1], "of a set without the one or the other kind"


NAMES = ("cat", "dog")


def made() -> Golden:
    pixels = np.random.default_rng(0).integers(0, 256, (7, 4, 4, 3), np.uint8)
    return Golden(pixels, tuple(NAMES[label] for label in LABEL_IDS), {"m": PREDICTIONS}, pixels[0])


def contract(names: tuple[str, ...] = NAMES, size: int = 4) -> Contract:
    return Contract.square(size, 1 / 255, 0, names)


OUTPUT = contract().output
SEVERAL = contract().for_task("multi-label")
UNSURE = contract().rejecting(Rejection(threshold=154.5 / 256, keep=0.95, inside_the_model=False))  # just above 0.6


def test_unknown_images_are_the_surest_rejected_and_those_nearest_to_a_threshold() -> None:
    assert golden.choose_unknown(PREDICTIONS, UNSURE.output, 3).tolist() == [2, 1, 4]
    assert golden.choose_unknown(PREDICTIONS[:0], UNSURE.output).tolist() == []


def test_decisions_come_with_the_predictions() -> None:
    files = made().files(UNSURE.output)
    document = json.loads(files[golden.DOCUMENT])
    assert document["top1_class_names"]["m"] == ["cat", "cat", "cat", "dog", "dog", "dog", "dog"]
    assert document["present_class_names"]["m"] == [["cat"], [], [], ["dog"], [], ["dog"], ["dog"]]
    Golden.of(files, UNSURE)
    with pytest.raises(ParityError, match="m: its golden images are decided otherwise with the contract's thresholds"):
        Golden.of(files, contract())
    del document["present_class_names"]
    older = files | {golden.DOCUMENT: json.dumps(document).encode()}
    Golden.of(older, contract())
    with pytest.raises(ParityError, match="decided otherwise"):
        Golden.of(older, UNSURE)


def test_several_true_classes_are_listed() -> None:
    names = tuple(NAMES[: label + 1] if label else () for label in LABEL_IDS)
    given = Golden(made().pixels, names, {"m": PREDICTIONS}, made().resized)
    document = json.loads(given.files(SEVERAL.output)[golden.DOCUMENT])
    assert document["true_class_names"][:4] == [[], [], [], ["cat", "dog"]]
    assert document["present_class_names"]["m"] == [["cat"], ["cat"], ["cat"], ["dog"], ["dog"], ["dog"], ["dog"]]
    assert Golden.of(given.files(SEVERAL.output), SEVERAL).true_class_names == names


def test_only_what_is_near_a_threshold_may_be_decided_otherwise() -> None:
    near = check("m", PREDICTIONS, PREDICTIONS + 2 / 256, UNSURE.output)
    assert (near.other_decisions, check("m", PREDICTIONS, PREDICTIONS, UNSURE.output).other_decisions) == (1, 0), "0.6 is half a step below"


@pytest.mark.parametrize("name", [golden.DOCUMENT, golden.PIXELS, golden.RESIZED])
def test_a_missing_or_cut_file_is_an_error(name: str) -> None:
    files = made().files(contract().output)
    with pytest.raises(RunError):
        Golden.of(files | {name: files[name][:-3]}, contract())
    del files[name]
    with pytest.raises(RunError, match=name):
        Golden.of(files, contract())


def test_images_of_another_size_or_number_of_classes_are_an_error() -> None:
    files = made().files(contract().output)
    for other in (contract(size=8), contract(("cat", "dog", "cow"))):
        with pytest.raises(RunError, match=r"golden\.json"):
            Golden.of(files, other)


@pytest.mark.parametrize("rows", [[[1.0, 0.0], [0.5]], [[0.5], [0.5]], [[1.0, 0.0]], [[]]])
def test_predictions_of_uneven_length_are_an_error(rows: list[list[float]]) -> None:
    files = made().files(contract().output)
    document = json.loads(files[golden.DOCUMENT])
    document["predictions"]["m"][: len(rows)] = rows
    with pytest.raises(RunError, match=r"golden\.json"):
        Golden.of(files | {golden.DOCUMENT: json.dumps(document).encode()}, contract(("cat", "dog", "cow")))


def test_files_and_back() -> None:
    given = made()
    again = Golden.of(given.files(contract().output), contract())
    np.testing.assert_array_equal(again.pixels, given.pixels)
    np.testing.assert_allclose(again.predictions["m"], PREDICTIONS, atol=1e-6)
    np.testing.assert_array_equal(again.resized, given.resized)
    assert again.true_class_names == given.true_class_names


@pytest.mark.parametrize("classes", [2, 5, 256, 1000, 20000])
def test_zeros_are_no_golden_predictions_at_any_number_of_classes(classes: int) -> None:
    """An unsure model's probabilities of many classes are all within the steps that one of them may be off."""
    wanted, output = np.full((12, classes), 1 / classes), contract(tuple(map(str, range(classes)))).output
    with pytest.raises(ParityError, match="does not give its golden predictions"):
        check("m", wanted, np.zeros_like(wanted), output)
    assert check("m", wanted, wanted * (1 + 0.01 * (-1) ** np.arange(classes)), output).max_steps < 2
    even = Golden(made().pixels, ("0",) * 7, {"m": np.full((7, classes), 1 / classes)}, made().resized)
    tolerance = json.loads(even.files(output)[golden.DOCUMENT])["tolerance"]
    assert np.abs(wanted * 256).mean() > tolerance["mean_steps"], "apps refuse them, too"


def test_class_names_in_another_order_are_found_out() -> None:
    with pytest.raises(ParityError, match="another order"):
        Golden.of(made().files(contract().output), contract(NAMES[::-1]))


def test_the_mosaic_is_five_in_a_row_and_cut_below() -> None:
    pixels = made().pixels
    whole = mosaic(pixels)
    assert whole.shape == (9, 20, 3)
    np.testing.assert_array_equal(whole[4:8, 4:8], pixels[6])
    np.testing.assert_array_equal(whole[4:8, 8:12], pixels[0], err_msg="seven images: the eighth is the first again")


def test_a_resize_of_another_kind_is_found_out() -> None:
    wanted = np.full((4, 4, 3), 100, np.uint8)
    assert check_resize(wanted, wanted + np.uint8(1)) == 1
    with pytest.raises(ParityError, match="2 levels"):
        check_resize(wanted, wanted - np.uint8(2))


def test_roundings_pass_and_another_order_does_not() -> None:
    assert check("m", PREDICTIONS, PREDICTIONS + 2 / 256, OUTPUT).max_steps == pytest.approx(2, abs=0.01)
    for wrong in (
        PREDICTIONS[:, ::-1],
        np.roll(PREDICTIONS, 1, axis=0),
        PREDICTIONS + (MAX_STEPS + 1) / 256,
        PREDICTIONS * np.nan,
        PREDICTIONS[:3],
    ):
        with pytest.raises(ParityError, match="golden predictions"):
            check("m", PREDICTIONS, wrong, OUTPUT)
    one_wrong = PREDICTIONS.copy()
    one_wrong[2, 0] += 30 / 256
    with pytest.raises(ParityError, match="30 steps"):
        check("m", PREDICTIONS, one_wrong, OUTPUT)
