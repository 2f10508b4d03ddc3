"""Says under which licences an app's model and libraries are, with the licences' texts."""

from collections.abc import Sequence
from pathlib import Path

from edgetl.ship.manifest import Manifest

_TEXTS = Path(__file__).parents[1] / "deploy" / "web" / "edgetl-classifier"
_MIT = {"onnxruntime"}  # all else that our apps hold is under the Apache License 2.0


def licences(manifest: Manifest, runtime: str, libraries: Sequence[str]) -> bytes:
    """Return the text of a screen, in UTF-8.

    Args:
        libraries: their names with versions; the first is the runtime's.
    """
    name, *others = libraries
    apache = others if runtime in _MIT else [name, *others]
    parts = [f"{manifest.name}, version {manifest.version}: {manifest.licence or 'its licence is not stated'}"]
    parts += [f"Under the MIT License:\n{name}\n\n{_text('onnxruntime')}"] if runtime in _MIT else []
    parts += ["\n".join(["Under the Apache License 2.0, with the libraries that they need:", *apache]), _text("litert")]
    return ("\n\n".join(parts) + "\n").encode()


def _text(runtime: str) -> str:
    """Return a licence's text, from the file that the web app has of it: which files of that app it is about comes before it."""
    return (_TEXTS / runtime / "LICENSE.txt").read_text(encoding="utf-8").partition("\n\n")[2].strip("\n")
