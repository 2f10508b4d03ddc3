import numpy as np
import pytest

from edgetl.evaluation.statistics import gain_interval, holm, paired


def test_numbers_by_hand() -> None:
    a = np.array([True, True, True, True, False, True, False, True, True, True])
    b = np.array([True, False, False, False, True, True, False, True, True, False])
    found = paired(a, b)
    assert (found.only_a, found.only_b) == (4, 1)
    assert found.drop_points == pytest.approx(30.0)
    assert found.mcnemar_p == pytest.approx(2 * (1 + 5) / 32)  # 0 or 1 heads of 5 coins, and as many tails


def test_no_discordant_images_is_no_evidence() -> None:
    same = np.array([True, False, True])
    assert (paired(same, same).mcnemar_p, paired(same, same).drop_points) == (1.0, 0.0)


def test_swapping_the_models_swaps_the_signs() -> None:
    for seed in range(20):
        random = np.random.default_rng(seed)
        a, b = random.random((2, int(random.integers(1, 80)))) < 0.7
        there, back = paired(a, b), paired(b, a)
        assert there.drop_points == -back.drop_points == pytest.approx(100 * (a.mean() - b.mean()))
        assert (there.only_a, there.only_b) == (back.only_b, back.only_a)
        assert there.mcnemar_p == pytest.approx(back.mcnemar_p)
        assert 0 < there.mcnemar_p <= 1


def test_nonsense_is_refused() -> None:
    for a, b in (([], []), ([True], [True, False])):
        with pytest.raises(ValueError, match="not both"):
            paired(np.array(a, bool), np.array(b, bool))


def test_the_interval_of_a_gain_covers_and_stays_within_a_hundred_points() -> None:
    """Drawn 2000 times, it holds the true gain of two points in 95 % of the draws, within chance."""
    random = np.random.default_rng(0)
    cells = random.multinomial(150, [0.07, 0.05, 0.88], 2000)
    held = [low <= 2 <= high for low, high in (gain_interval(int(won), int(lost), 150) for won, lost, _ in cells)]
    assert 0.94 <= np.mean(held) <= 0.97
    assert gain_interval(0, 0, 100)[0] < 0 < gain_interval(0, 0, 100)[1], "no difference was seen, which shows none of 0"
    assert gain_interval(3, 0, 3)[1] <= 100


def test_holm_by_hand() -> None:
    """0.01 of four counts fourfold, then 0.02 threefold, 0.03 twice; a later one is never below an earlier one."""
    assert holm([0.02, 0.01, 0.5, 0.03]) == pytest.approx([0.06, 0.04, 0.5, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([0.04]) == [0.04]
    assert holm([]) == []
