"""The table of a learning curve."""

from edgetl import console
from edgetl.evaluation.results import LearningCurve
from edgetl.wording import counted


def print_learning_curve(curve: LearningCurve) -> None:
    """Print the accuracy at each number of training images, and what twice as many would bring."""
    rows = []
    for point in curve.points:
        low, high = point.interval_95
        accuracy = [f"{100 * point.accuracy:.2f}", f"{100 * low:.1f} to {100 * high:.1f}"]
        rows.append([f"{point.images:,}", *accuracy, f"{100 * point.std_over_seeds:.2f}"])
    console.note(f"{curve.model}; {curve.caveat}")
    console.note(f"top-1 accuracy on {curve.measured_on}, mean of {counted(curve.seeds, 'seed')}")
    console.table("learning curve", ["training images", "top-1 %", "95 % interval", "std over seeds"], rows)
    console.note(curve.summary())
