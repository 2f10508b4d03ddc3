"""Makes an app of a run or a bundle."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from edgetl.documents import Document
from edgetl.errors import UsageError
from edgetl.export import main_format
from edgetl.overview import Overview
from edgetl.pipeline.export.current import exported
from edgetl.pipeline.newest import newest
from edgetl.pipeline.project import Project
from edgetl.pipeline.ship.bundle import BundleRequest, contents
from edgetl.pipeline.ship.golden_images import SYNTHETIC, VALIDATION
from edgetl.pipeline.ship.verify import verify
from edgetl.quantization import integer_schemes
from edgetl.registry import did_you_mean
from edgetl.ship import archive, golden
from edgetl.ship.manifest import CLASS_NAMES, MANIFEST, TESTS, BundleContents, Manifest
from edgetl.ship.place import Placed, place
from edgetl.ship.strings import tables
from edgetl.ship.targets import TARGETS
from edgetl.ship.targets.base import App, Target


@dataclass(frozen=True, kw_only=True)
class AppOptions:
    """Where an app goes, and what it is made of; one of `out` and `into` is needed.

    Args:
        out: folder of a fresh app.
        into: folder of an existing app.
        package: com.example.app; empty: from the model's name, or the existing app's own.
        runtime: name of the runtime that the app uses; empty: the target's first.
        golden: the images that the app's tests replay beside the synthetic ones, as for a bundle, which has its own: of those "validation"
            takes all, and "synthetic" none.
        data: where the run's images are now; empty: where it recorded them.
        translations: files of what the app says in other languages, such as de.json.
    """

    out: Path | None = None
    into: Path | None = None
    package: str = ""
    runtime: str = ""
    golden: str = VALIDATION
    data: str = ""
    translations: tuple[Path, ...] = ()

    @property
    def folder(self) -> Path:
        """The app's folder. Raises UsageError when none or two are named, or the existing app is not there."""
        root = self.out or self.into
        if root is None or (self.out and self.into):
            raise UsageError(
                "exactly one of --out and --into must be given", "--out DIR makes a new app, --into DIR adds to an existing one"
            )
        if self.into and not self.into.is_dir():
            raise UsageError(f"there is no folder {self.into}", "name an existing app, or make a fresh one with --out")
        return root


class Shipped(Document, Placed):
    """An app that was written: what it runs, what became of its files, and what to do next."""

    target: str
    folder: str
    runtime: str
    model: str
    package: str
    name: str
    version: str
    forced: str
    own_images: str
    next: str

    def overview(self) -> Overview:
        """Return what became of the files, and the next step."""
        counts = [(name, str(len(getattr(self, name)))) for name in Placed.model_fields]
        kept = [f"kept as you have it: {path}" for path in self.kept]
        return Overview(f"{self.target} app in {self.folder}", ("files", "count"), counts, [*kept, self.next])


def ship(source: Path | None, target_name: str, options: AppOptions) -> Shipped:
    """Make an app of a run's bundle, or of the bundle itself.

    Args:
        source: a run, or a .edgetl file; None: the newest run.

    Raises UsageError, RunError (a damaged run or bundle), ParityError (other predictions than when it was made).
    """
    target = TARGETS.load(target_name)
    runtime = options.runtime or target.runtimes[0]
    if runtime not in target.runtimes:
        raise UsageError(f"{target_name} apps do not run {runtime}", did_you_mean(runtime, target.runtimes))
    root, into, strings = options.folder, options.into, tables(options.translations)
    if source is not None and source.is_file():
        if options.golden not in (VALIDATION, SYNTHETIC):
            raise UsageError(
                f"{source} has its golden images already", f"bundle the run again: edgetl bundle RUN --golden {options.golden}"
            )
        verify(source)
        manifest, files = archive.read(source)
    else:
        manifest, files = _contents(Project.open(source or newest("ship"), data=options.data), runtime, options.golden)
    if options.golden == SYNTHETIC:
        files = {name: content for name, content in files.items() if name not in golden.names_in(TESTS)}
    package = options.package or (into and target.package(into)) or _package(manifest.name)
    app = App(manifest, runtime, _model(manifest, runtime), package, strings)
    part = f"into {target_name}" if into else target_name  # recorded apart, or adding to an app of ours would take its files for stale
    wanted = app_files(target, app, files, into)
    placed = place(root, part, wanted, fresh=into is None)
    return Shipped(
        target=target_name,
        folder=str(root),
        runtime=runtime,
        model=app.model,
        package=app.package,
        name=manifest.name,
        version=manifest.version,
        forced=manifest.validation.forced,
        own_images=_own_images(manifest, [path for path in wanted if f"/{TESTS}/" in path]),
        next=target.steps(app, root, into),
        **placed.model_dump(),
    )


def app_files(target: Target, app: App, bundled: Mapping[str, bytes], into: Path | None = None) -> Mapping[str, bytes]:
    """Return all files of an app by their path in it: the target's, and what the app reads.

    That is the model, the manifest as it was signed, class names, golden predictions, and which model it is.

    Args:
        bundled: the bundle's files by name.
        into: the existing app's folder; None: the app is a fresh one.
    """
    digest = hashlib.sha256(bundled[MANIFEST]).hexdigest()
    choice = {"model": app.model, "runtime": app.runtime, "manifest_sha256": digest}
    data = {name: bundled[name] for name in (MANIFEST, CLASS_NAMES, golden.DOCUMENT, golden.PIXELS, golden.RESIZED, app.model)}
    data["app.json"] = (json.dumps(choice, indent=2) + "\n").encode()
    folder = target.data(into)
    files = {**target.files(app, into), **{f"{folder}/{name}": content for name, content in data.items()}}
    if target.tests(into):
        files |= {f"{target.tests(into)}/{name}": bundled[name] for name in golden.names_in(TESTS) if name in bundled}
    return target.completed(app, files, into)


def _own_images(manifest: Manifest, paths: Sequence[str]) -> str:
    """Return which of somebody's images an app has, and where; empty: none."""
    if not manifest.golden:
        return f"the app has {manifest.own_images}"
    if not paths:
        return ""
    where = PurePosixPath(paths[0]).parent
    return f"the app has {manifest.golden[TESTS].text} in {where}, for tests and debug builds alone; --golden synthetic leaves them out"


def _contents(project: Project, runtime: str, golden_images: str) -> BundleContents:
    """Return the bundle of a run's model for a runtime."""
    names = sorted(file.path.name for file in exported(project) if file.path.name.endswith(main_format(runtime).suffix))
    name = _best(names, runtime, f"run: edgetl export {project.run.quoted}")
    return contents(project, BundleRequest(models=(name,), golden=golden_images))


def _model(manifest: Manifest, runtime: str) -> str:
    names = [name for name in manifest.models if name.endswith(main_format(runtime).suffix)]
    return _best(names, runtime, f"the bundle has {', '.join(manifest.models)}: bundle another file, or name another --runtime")


def _best(names: list[str], runtime: str, remedy: str) -> str:
    """Return the file of integers in the runtime's main format, else the first."""
    if not names:
        raise UsageError(f"there is no model for {runtime}", remedy)
    form = main_format(runtime)
    integers = [form.file_name(precision) for precision in form.precisions if integer_schemes(precision=precision)]
    return next((name for name in names if name in integers), names[0])


def _package(name: str) -> str:
    word = re.sub(r"[^a-z0-9]+", "", name.lower()).lstrip("0123456789")
    return f"com.example.{word or 'classifier'}"
