"""Functions for several runs, or for the newest."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgetl.api.checks import File, as_path, at_least, path_of, several, text_of
from edgetl.api.run import Run, newest

if TYPE_CHECKING:
    from edgetl.api.results import Card
    from edgetl.evaluation.results import Comparison
    from edgetl.explanation.results import Explanation
    from edgetl.pipeline.predict import Classifier


def compare(
    runs: Sequence[Run | File], *, model: File | None = None, out: File | None = None, data: File = "", different_classes: bool = False
) -> "Comparison":
    """Compare the accuracy, size and latency of runs, image by image, and test whether a difference is more than chance.

    Args:
        runs: two or more runs that are measured on the same images.
        model: an exported file of each, such as "model_int8.tflite"; default: int8, else float32.
        out: folder of compare.json and compare.png; default: nothing is written.
        data: where the runs' images are now, as for `edgetl.Run`.
        different_classes: compare runs with different class names too, each by its own labels.
    """
    from edgetl.pipeline.evaluate import compare as stage

    paths = [Path(path) for path in several("a run", runs)]
    return stage.compare(paths, as_path(model), as_path(out), text_of("data", data), different_classes=different_classes)


def explain(images: Sequence[File], run: Run | File | None = None, *, out: File | None = None) -> "Explanation":
    """Show where the models of a run, by default the newest, look: see `Run.explain`."""
    return opened(run, for_="explain").explain(images, out=out)


def card(run: Run | File | None = None, *, out: File | None = None) -> "Card":
    """Write the card of a run, by default the newest: see `Run.card`."""
    return opened(run, for_="card").card(out)


def load(model: Run | File, *, threads: int = 1) -> "Classifier":
    """Load a model for predictions: `predict` takes a file, a folder, a PIL image, a uint8 array, or several of these.

    It returns one prediction for each image, with `class_name`, `probability`, `top(3)` and all `probabilities`.

    Args:
        model: a run (its preferred exported file), a .edgetl bundle, or a .tflite, .onnx, .ort or .keras file beside its contract.json.
        threads: threads of the runtime.

    Examples:
        >>> edgetl.load("runs/flowers").predict("rose.jpg")[0].class_name
    """
    from edgetl.pipeline.predict import load

    at_least(1, threads=threads)
    return load(path_of(model), threads=threads)


def opened(run: Run | File | None, *, for_: str, data: File = "") -> Run:
    """Return the run, opened; None: the newest that the command `for_` can use. `data` is where its images are now, as for `edgetl.Run`."""
    if run is None:
        return newest(for_=for_, data=data)
    return run if isinstance(run, Run) else Run(run, data=data)
