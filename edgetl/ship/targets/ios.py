"""A SwiftUI app around a Swift package, or the package alone into an existing app."""

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from edgetl.errors import UsageError
from edgetl.ship.strings import ENGLISH
from edgetl.ship.targets.base import App, Target, filled, template

_PART = "EdgetlClassifier"  # the package
_DATA = f"{_PART}/Sources/{_PART}/Resources/model"
_TESTS = f"{_PART}/Tests/{_PART}Tests/images"  # resources of the package's tests, which no app contains
_RUNTIMES = "runtimes"  # of the template: what the package has for one runtime alone
_FETCH = "get-runtime.sh"  # of the runtimes that no package manager brings
_PROJECT = "Classifier.xcodeproj"
_APPS = ("*.xcodeproj", "*.xcworkspace", "Package.swift")
_INFO = "Info.plist"
_ENGLISH_ALONE = "\t\t\t\ten,\n"  # of the languages that the project knows
_TITLE, _PACKAGE = "Edgetl Classifier", "com.example.edgetl-classifier"  # the template's tokens


def _files(app: App, into: Path | None) -> Mapping[str, bytes]:
    if into and not any(path for pattern in _APPS for path in into.glob(pattern)):
        raise UsageError(f"there is no iOS app in {into}", f"name the folder that holds one of {', '.join(_APPS)}")
    every, own = template("ios"), f"{_RUNTIMES}/{app.runtime}/"
    files = {name: content for name, content in every.items() if not name.startswith(f"{_RUNTIMES}/")}
    files |= {f"{_PART}/{name.removeprefix(own)}": content for name, content in every.items() if name.startswith(own)}
    if into:
        return {name: content for name, content in files.items() if name.startswith(f"{_PART}/")}
    project = f"{_PROJECT}/project.pbxproj"
    # The pattern of package names leaves nothing to escape; Apple's identifiers have no underscore.
    tokens = {_PACKAGE: app.package.replace("_", "-"), _ENGLISH_ALONE: "".join(f"\t\t\t\t{language},\n" for language in app.strings)}
    files |= {_INFO: filled(files[_INFO], {_TITLE: _title(app)}), project: filled(files[project], tokens)}
    return files | _string_catalogs(app)


def _string_catalogs(app: App) -> dict[str, bytes]:
    """Return what the app says, and what the system says of it when it asks for the camera, in each language."""

    def catalog(names: Mapping[str, str]) -> bytes:
        strings = {
            key: {
                "extractionState": "manual",  # Xcode is not to look for them in the code
                "localizations": {
                    language: {"stringUnit": {"state": "translated", "value": table[name]}} for language, table in app.strings.items()
                },
            }
            for key, name in names.items()
        }
        document = {"sourceLanguage": ENGLISH, "strings": strings, "version": "1.0"}
        return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()

    return {
        "Classifier/Localizable.xcstrings": catalog({name: name for name in app.strings[ENGLISH]}),
        "Classifier/InfoPlist.xcstrings": catalog({"NSCameraUsageDescription": "camera_purpose"}),
    }


def _title(app: App) -> str:
    """Return the name under the icon as XML has it: no control characters, and no `$(x)`, which Xcode would take for a setting."""
    printable = "".join(letter if letter.isprintable() else " " for letter in app.manifest.name)
    return escape(re.sub(r"\$(?=[({])", "", printable).strip() or _TITLE)


def _steps(app: App, root: Path, into: Path | None) -> str:
    package = root / _PART
    fetched = f"{_RUNTIMES}/{app.runtime}/{_FETCH}" in template("ios")
    runtime = f"sh {shlex.quote(str(package / _FETCH))}, then " if fetched else ""
    if not into:
        project = shlex.quote(str(root / _PROJECT))
        return f"next, on a Mac: {runtime}open {project}: Product, Test replays the golden images, Product, Run starts the app"
    return f"next, on a Mac: {runtime}in Xcode File, Add Package Dependencies, Add Local: {package}"


TARGET = Target(("litert", "onnxruntime", "coreml"), _files, lambda into: _DATA, _steps, lambda into: _TESTS)
