"""The operator that hurts is found, and nothing else is blamed."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from edgetl.data.base import Pictures
from edgetl.quantization.base import Quantized
from edgetl.quantization.sensitivity import Damage, sensitivity
from edgetl.training.epochs import History
from tests.quantization.conftest import Case
from tests.training.conftest import CONTRACT


@pytest.fixture
def small_case(case: Callable[[str], Case]) -> Case:
    return case("small")


@pytest.fixture
def calibrated(quantized: Callable[[str, str], tuple[Quantized, History]]) -> Quantized:
    return quantized("ptq_int8", "small")[0]


def _damages(case: Case, quantized: Quantized) -> dict[str, Damage]:
    pictures: Pictures = case.pictures
    found = sensitivity(case.model, quantized, CONTRACT, pictures.pixels, pictures.rows("train")[:32])
    assert [one.logits_change for one in found] == sorted((one.logits_change for one in found), reverse=True)
    return {one.operator: one for one in found}


def test_every_operator_is_looked_at_alone(small_case: Case, calibrated: Quantized) -> None:
    before = small_case.model.get_weights()
    found = _damages(small_case, calibrated)
    assert set(found) == set(calibrated.ranges)
    assert all(one.signal_to_noise_db is None or one.signal_to_noise_db > 20 for one in found.values()), "8 bits on calibrated ranges"
    for a, b in zip(before, small_case.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_ruined_operator_comes_first(small_case: Case, calibrated: Quantized) -> None:
    for name in [name for name in calibrated.ranges if name != "logits"]:
        low, high = calibrated.ranges[name]
        ruined = replace(calibrated, ranges=calibrated.ranges | {name: (low * 200, high * 200)})  # one or two steps hold all its values
        assert next(iter(_damages(small_case, ruined))) == name
