"""A web page that classifies, offline too, or its classifier for a page of the user's own."""

import hashlib
import html
import json
import shlex
from collections.abc import Mapping
from pathlib import Path

from edgetl.devices.browser_runtimes import web_files
from edgetl.errors import DependencyError, DeviceError, UsageError
from edgetl.ship.targets.base import App, Target, filled, template

_PART = "edgetl-classifier"  # all that another page needs; the rest is our own page
# Of a runtime's npm files those for one thread of WebAssembly and for WebGPU and WebNN, by their names here. Not every web server knows
# that .mjs is JavaScript.
_NPM = {
    "litert": {
        "/@litertjs/core/dist/index.js": "litert.js",
        "/@litertjs/wasm-utils/dist/index.js": "wasm-utils.js",
        "/@litertjs/core/wasm/litert_wasm_compat_internal.js": "litert_wasm_compat_internal.js",
        "/@litertjs/core/wasm/litert_wasm_compat_internal.wasm": "litert_wasm_compat_internal.wasm",
        "/@litertjs/core/wasm/litert_wasm_jspi_internal.js": "litert_wasm_jspi_internal.js",
        "/@litertjs/core/wasm/litert_wasm_jspi_internal.wasm": "litert_wasm_jspi_internal.wasm",
    },
    "onnxruntime": {
        "/onnxruntime-web/dist/ort.wasm.min.mjs": "ort.wasm.min.js",
        "/onnxruntime-web/dist/ort-wasm-simd-threaded.mjs": "ort-wasm-simd-threaded.js",
        "/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm": "ort-wasm-simd-threaded.wasm",
        "/onnxruntime-web/dist/ort.webgpu.min.mjs": "ort.webgpu.min.js",
        "/onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify.mjs": "ort-wasm-simd-threaded.asyncify.js",
        "/onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify.wasm": "ort-wasm-simd-threaded.asyncify.wasm",
    },
}
_LATER = ("jspi", "webgpu", "asyncify")  # in the names of what is fetched only where there is an accelerator
# Changes to LiteRT.js, by file: a bare import needs an inline import map, and asking for a GPU at start wakes one up that is not used.
_CHANGES = {
    "litert.js": {
        '"@litertjs/wasm-utils"': '"./wasm-utils.js"',
        "await Environment.create()": "await Environment.create(options.environment)",
    }
}
_PAGE, _INSTALL, _STRINGS = "index.html", "manifest.webmanifest", "strings.js"
_NOT_CACHED = ("README.md", "sw.js", "precache.js")  # of the page's own files


def _files(app: App, into: Path | None) -> Mapping[str, bytes]:
    if into and not any((into / name).is_file() for name in ("index.html", "package.json")):
        raise UsageError(f"{into} holds no index.html and no package.json", "name a web page's folder, or make a fresh app with --out")
    files = template("web")
    adapters = {name: {path: files.pop(path) for path in list(files) if path.startswith(f"{_PART}/{name}/")} for name in _NPM}
    files |= {f"{_PART}/runtime/{Path(path).name}": content for path, content in adapters[app.runtime].items()}
    files |= {f"{_PART}/runtime/{name}": content for name, content in _runtime(app.runtime).items()}
    if into:
        return {path: content for path, content in files.items() if path.startswith(f"{_PART}/")}
    strings = json.dumps({language: dict(table) for language, table in app.strings.items()}, indent=2, ensure_ascii=False)
    return files | {_STRINGS: f"// Made by edgetl ship: what the page says, by language.\nexport const STRINGS = {strings};\n".encode()}


def _completed(app: App, files: Mapping[str, bytes], into: Path | None) -> Mapping[str, bytes]:
    """Put the title and the size to load into the page of a fresh app, and list all files for the service worker."""
    if into:
        return files
    title, megabytes = app.manifest.name, f"{sum(len(content) for path, content in files.items() if not _is_later(path)) / 1e6:.0f}"
    page = filled(files[_PAGE], {"EDGETL_MEGABYTES": megabytes, "EDGETL_TITLE": html.escape(title)})
    install = filled(files[_INSTALL], {"EDGETL_TITLE": json.dumps(title, ensure_ascii=False)[1:-1]})
    files = {**files, _PAGE: page, _INSTALL: install}
    return files | {"precache.js": _precache(files)}


def _is_later(path: str) -> bool:
    return path.startswith(f"{_PART}/runtime/") and any(word in path for word in _LATER)


def _runtime(runtime: str) -> dict[str, bytes]:
    """Return a runtime's own files by their names here. Raises DependencyError when npm cannot give them."""
    try:
        found = web_files(runtime, None, "web app")
    except DeviceError as error:
        raise DependencyError(error.problem, error.remedy) from error
    files = {name: found[path].read_bytes() for path, name in _NPM[runtime].items()}
    return files | {name: filled(files[name], changes) for name, changes in _CHANGES.items() if name in files}


def _precache(files: Mapping[str, bytes]) -> bytes:
    """Return the lists of what the service worker keeps, at once and when it is needed, with a version that changes with any of it."""
    cached = {"./" if path == _PAGE else path: files[path] for path in sorted(files) if path not in _NOT_CACHED}
    version = hashlib.sha256()
    for path, content in cached.items():
        version.update(f"{path}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    at_once = [path for path in cached if not _is_later(path)]
    document = {"version": version.hexdigest()[:16], "files": at_once, "later": [path for path in cached if _is_later(path)]}
    return f"// Made by edgetl ship; sw.js reads it.\nself.PRECACHE = {json.dumps(document, indent=2)};\n".encode()


def _steps(app: App, root: Path, into: Path | None) -> str:
    if not into:
        serve = f"python3 -m http.server --bind 127.0.0.1 --directory {shlex.quote(str(root))}"
        return f"next: {serve}, open http://127.0.0.1:8000 and run the self-test; then put the folder on any web server"
    return (
        "next: in a script of type module:\n"
        f'  import {{ Classifier }} from "./{_PART}/classifier.js";\n'
        "  const classifier = await Classifier.load();\n"
        "  console.log((await classifier.classify(image)).best); // a File, <img>, <video> or <canvas>\n"
        f"and open {_PART}/selftest.html once"
    )


TARGET = Target(("litert", "onnxruntime"), _files, lambda into: f"{_PART}/model", _steps, completed=_completed)
