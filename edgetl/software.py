"""Versions of the packages that shape a run's numbers, and how packages that are not needed by all are installed."""

import json
import platform
import shlex
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, metadata, version
from pathlib import Path
from urllib.parse import unquote, urlsplit

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
    return versions | versions_of(_SOFTWARE)


def versions_of(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of those of these packages that are installed."""
    return {package: found for package in packages if (found := version_of(package))}


def version_of(package: str) -> str:
    """Return the version of a package; empty: it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def reference(page: str, anchor: str) -> str:
    """Return where a page of the documentation is: on the site that the package's metadata name, else its file in docs/."""
    with suppress(PackageNotFoundError):
        for url in metadata("edgetl").get_all("Project-URL") or []:
            label, _, site = url.partition(", ")
            if label == "Documentation":
                return f"{site.rstrip('/')}/{page}.html#{anchor}"
    return f"docs/{page}.md#{anchor}"


def install(extra: str) -> str:
    """Return the command that installs the packages of one of edgetl's extras: from the checkout that edgetl comes from, if it is there."""
    source = _checkout()
    if source is None:
        return f"pip install 'edgetl[{extra}]'"
    here = source == Path.cwd()
    pins, project = ("constraints.txt", ".") if here else (str(source / "constraints.txt"), str(source))
    return f"pip install -c {shlex.quote(pins)} {shlex.quote(f'{project}[{extra}]')}"


def _checkout() -> Path | None:
    """Return the folder of edgetl's source: the package's own, or the one that pip installed it from and recorded (PEP 610)."""
    folders = [Path(__file__).resolve().parents[1]]
    with suppress(PackageNotFoundError, ValueError):
        address = urlsplit(json.loads(distribution("edgetl").read_text("direct_url.json") or "{}").get("url", ""))
        folders += [Path(unquote(address.path))] if address.scheme == "file" else []
    return next((folder for folder in folders if (folder / "pyproject.toml").is_file() and (folder / "constraints.txt").is_file()), None)
