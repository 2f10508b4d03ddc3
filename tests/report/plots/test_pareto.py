"""The plot of latency and accuracy can be read: labels inside of the frame, none on another, a legend of what is drawn."""

import re
from itertools import combinations

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from edgetl.compared import MeasuredImages
from edgetl.report.plots.draw import style, svg
from edgetl.report.plots.pareto import ARENA, ModelPoint, pareto_figure

POINTS = [
    ModelPoint("local", "tflite_int8", 0.61, 640_000, 0.905),
    ModelPoint("local", "onnx_int8", 0.53, 535_000, 0.905),
    ModelPoint("local", "tflite_float32", 0.46, 1_640_000, 0.892),
    ModelPoint("local", "onnx_float32", 0.67, 1_650_000, 0.892),
    ModelPoint("board", "tflite_int8", 7.2, 640_000, 0.905),
]

SEVENTY_FOUR = MeasuredImages(74, "74 validation images, of which one is 1.4 points")


def annotations(figure: Figure) -> list[Annotation]:
    return [text for text in figure.axes[0].texts if isinstance(text, Annotation)]


def test_labels_are_in_the_frame_and_on_no_other() -> None:
    figure = pareto_figure(POINTS, SEVENTY_FOUR)
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()
    frame = figure.axes[0].get_window_extent()
    boxes = [label.get_window_extent(renderer) for label in annotations(figure)]
    assert len(boxes) == len(POINTS)
    for box in boxes:
        assert frame.x0 <= box.x0
        assert box.x1 <= frame.x1
        assert frame.y0 <= box.y0
        assert box.y1 <= frame.y1
    assert not any(first.overlaps(second) for first, second in combinations(boxes, 2))
    texts = {label.get_text() for label in annotations(figure)}
    assert "tflite_int8\n0.61 ms, 625 KiB" in texts
    low, high = figure.axes[0].get_ylim()
    assert high - low > 100 * 10 / 74, "one of 74 images is no gap"


def test_the_legend_has_the_lines_that_are_drawn() -> None:
    figure = pareto_figure(POINTS, SEVENTY_FOUR)
    handles, names = figure.axes[0].get_legend_handles_labels()
    assert dict(zip(names, [handle.get_linestyle() for handle in handles], strict=True)) == {"local": "-", "board": "None"}
    assert any("line: no model is both faster and more accurate" in text.get_text() for text in figure.axes[0].texts)
    alone = pareto_figure(POINTS[-1:], SEVENTY_FOUR)
    assert not any("line:" in text.get_text() for text in alone.axes[0].texts)


@pytest.mark.parametrize("accuracy", [0.9, None])
def test_of_a_crowd_the_best_are_named(accuracy: float | None) -> None:
    crowd = [ModelPoint("local", f"model {number}", 1 + number / 1000, 1000 + number, accuracy) for number in range(40)]
    labels = annotations(pareto_figure(crowd, MeasuredImages(100, "100 images")))
    assert "model 0" in labels[0].get_text()
    assert len(labels) < 40


def test_memory_is_a_price_too() -> None:
    points = [ModelPoint("board", "a", 56.2, 300_000, 0.9), ModelPoint("board", "b", 233.1, 300_000, 0.95)]
    texts = {label.get_text() for label in annotations(pareto_figure(points, MeasuredImages(100, "100 images"), cost=ARENA))}
    assert texts == {"a\narena 56.2, flash 293 KiB", "b\narena 233, flash 293 KiB"}


def test_its_texts_take_the_colours_of_a_dark_page() -> None:
    with style():
        drawn = svg(pareto_figure(POINTS, SEVENTY_FOUR))
    texts = re.findall(r"<text [^>]*>", drawn)
    assert texts
    assert all("fill: var(--" in text for text in texts), [text for text in texts if "fill: var(--" not in text][:3]
