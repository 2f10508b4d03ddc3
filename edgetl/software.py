"""Versions of the packages that shape a run's numbers."""

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

_SOFTWARE = (
    "edgetl",
    "tensorflow",
    "tf-keras",
    "tensorflow-model-optimization",
    "tf2onnx",
    "onnx",
    "onnxruntime",
    "ai-edge-litert",
    "numpy",
    "pillow",
)


@cache  # read from files that a running program does not reload, and asked for after every epoch
def software() -> dict[str, str]:
    """Return the version of each installed package, of Python and of the platform."""
    versions = {"python": platform.python_version(), "platform": platform.platform()}
    for package in _SOFTWARE:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions
