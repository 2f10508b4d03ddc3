"""A plot that a person can read: nothing lies on anything else, whatever the network."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgetl.quantization.results import Damage, Drift, Sensitivity


def document(operators: int, drop_at: tuple[int, ...], name: str = "expanded_conv_{}_squeeze_excite_depthwise_relu") -> Sensitivity:
    random = np.random.default_rng(operators)
    lost = [15.0 - place / 10 if place in drop_at else float(random.normal(0.1, 0.5)) for place in range(operators)]
    ratios = 46 - np.cumsum(lost)
    changes = sorted(random.exponential(0.03, operators), reverse=True)
    names = [name.format(place) for place in range(operators)]
    return Sensitivity(
        model="mobilenet_v3_large 1.0, 224 px",
        scheme="qat_int8",
        images=128,
        operators=tuple(
            Damage(operator=one, signal_to_noise_db=30.0, logits_change=change, top1_flips=place % 3 / 128)
            for place, (one, change) in enumerate(zip(names, changes, strict=True))
        ),
        drift=tuple(
            Drift(operator=one, signal_to_noise_db=float(ratio), step=0.02, lost_db=loss)
            for one, ratio, loss in zip(names, ratios, lost, strict=True)
        ),
    )


CASES = {
    "small": document(7, (0, 1, 2)),
    "middle": document(64, (30, 36, 37)),
    "both ends": document(64, (0, 62, 63)),
    "large": document(118, (20, 21, 22)),
}


@pytest.mark.parametrize("name", CASES)
def test_no_text_covers_another_or_leaves_the_image(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    from edgetl.report.plots import sensitivity as plots

    drawn: list[Figure] = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda figure, *args, **kwargs: (drawn.append(figure), save(figure, *args, **kwargs))[1])
    plots.sensitivity(CASES[name], tmp_path / "plot.png")
    [figure] = drawn
    texts = [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]
    boxes = [(text.get_text(), Text.get_window_extent(text)) for text in texts]  # an annotation's own would hold its arrow
    width, height = figure.canvas.get_width_height()
    for index, (text, box) in enumerate(boxes):
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height, f"{text} leaves the image"  # noqa: PT018  one thought
        for other, other_box in boxes[:index]:
            assert not box.padded(-1).overlaps(other_box.padded(-1)), f"{text} covers {other}"
    marked = [text for text, _ in boxes if "loses" in text]
    worst = sorted(CASES[name].drift, key=lambda one: -one.lost_db)[:3]
    assert {re.split(r"\s+", text)[0] for text in marked} == {one.operator for one in worst}


def test_it_is_an_image_also_where_nothing_is_lost(tmp_path: Path) -> None:
    from edgetl.report.plots import sensitivity as plots

    damage = Damage(operator="logits", signal_to_noise_db=None, logits_change=0.0, top1_flips=0.0)
    drift = Drift(operator="logits", signal_to_noise_db=None, step=0.1, lost_db=0.0)
    exact = CASES["small"].model_copy(update={"operators": (damage,), "drift": (drift,)})
    plots.sensitivity(exact, tmp_path / "plot.png")
    plots.sensitivity(exact, tmp_path / "again.png")
    with Image.open(tmp_path / "plot.png") as image:
        assert image.width > 1000
    assert (tmp_path / "plot.png").read_bytes() == (tmp_path / "again.png").read_bytes()


def test_pyplot_is_left_alone() -> None:
    """It would choose a window system, and keep every figure."""
    code = "import sys, edgetl.report.plots; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
