"""edgetl: from a folder of labelled images to a model that a phone, a board or a web page can trust.

    import edgetl

    run = edgetl.train("flowers/", backbone="mobilenet_v2", alpha=0.35, image_size=128)
    run.export()
    print(run.validate())

Names load when they are used: `import edgetl` itself takes no time and loads no TensorFlow.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING

# From 1.29 on ONNX Runtime reports models and their use to its maker, and keeps an identifier of the device, unless this is set before its
# import. Whoever wants that sets it to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from edgetl.api.files import benchmark, doctor, pack, ship_bundle, verify
    from edgetl.api.options import BenchmarkOptions, BundleOptions, ExportOptions, PackOptions, ShipOptions, TrainOptions, TuneOptions
    from edgetl.api.run import Run, newest
    from edgetl.api.runs import card, compare, explain, load
    from edgetl.api.settings import Choices, RecipeOptions
    from edgetl.api.training import import_model, learning_curve, pretrain, run, train, tune
    from edgetl.errors import EdgetlError
    from edgetl.progress import Progress, progress_to

__all__ = [
    "BenchmarkOptions",
    "BundleOptions",
    "Choices",
    "EdgetlError",
    "ExportOptions",
    "PackOptions",
    "Progress",
    "RecipeOptions",
    "Run",
    "ShipOptions",
    "TrainOptions",
    "TuneOptions",
    "benchmark",
    "card",
    "compare",
    "doctor",
    "explain",
    "import_model",
    "learning_curve",
    "load",
    "newest",
    "pack",
    "pretrain",
    "progress_to",
    "run",
    "ship_bundle",
    "train",
    "tune",
    "verify",
]
_HOMES = {
    "edgetl.api.files": (
        "benchmark",
        "doctor",
        "pack",
        "ship_bundle",
        "verify",
    ),
    "edgetl.api.options": (
        "BenchmarkOptions",
        "BundleOptions",
        "ExportOptions",
        "PackOptions",
        "ShipOptions",
        "TrainOptions",
        "TuneOptions",
    ),
    "edgetl.api.run": (
        "Run",
        "newest",
    ),
    "edgetl.api.runs": (
        "card",
        "compare",
        "explain",
        "load",
    ),
    "edgetl.api.settings": (
        "Choices",
        "RecipeOptions",
    ),
    "edgetl.api.training": (
        "import_model",
        "learning_curve",
        "pretrain",
        "run",
        "train",
        "tune",
    ),
    "edgetl.errors": ("EdgetlError",),
    "edgetl.progress": (
        "Progress",
        "progress_to",
    ),
}


if not TYPE_CHECKING:  # which would take any name for one that is there

    def __getattr__(name: str) -> object:
        for module, names in _HOMES.items():
            if name in names:
                return getattr(import_module(module), name)
        raise AttributeError(f"module 'edgetl' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
