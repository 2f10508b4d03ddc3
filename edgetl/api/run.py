"""A run: what was trained on some images, and all that is made of it."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Unpack

from edgetl import stops
from edgetl.api.checks import as_path, at_least, known, path_of, several, text_of, texts
from edgetl.api.files import benchmark, ship_bundle
from edgetl.api.options import BenchmarkOptions, BundleOptions, ExportOptions, ShipOptions
from edgetl.errors import UsageError
from edgetl.overview import Overview
from edgetl.registry import did_you_mean
from edgetl.run_folder import RunFolder

if TYPE_CHECKING:
    from edgetl.api.results import Card, Exported, Report
    from edgetl.benchmarking.results import Benchmark
    from edgetl.evaluation.results import Evaluation
    from edgetl.evaluation.unknowns import ThresholdChoice
    from edgetl.evaluation.validation import Validation
    from edgetl.explanation.results import Explanation
    from edgetl.pipeline.project import Project
    from edgetl.pipeline.ship.app import Shipped
    from edgetl.quantization.results import Sensitivity
    from edgetl.ship.manifest import Manifest

FORMS = ("html", "md", "pdf")  # of a report


class Run:
    """A run folder and what can be done with it.

    A method that writes into the folder locks it, and logs into its `edgetl.log`, while it works. Inside a `with` block both last until its
    end, and images and models stay in memory from one method to the next.

    Attributes:
        path: the folder.
        rank: number of this process among several that train together; only that of rank 0 has the folder.

    Examples:
        >>> with edgetl.Run("runs/flowers") as run:
        ...     run.export(formats=["tflite"])
        ...     print(run.validate().passed)
    """

    def __init__(self, path: str | Path, *, data: str | Path = "") -> None:
        """Open a run. Raises RunError when there is none at `path`.

        Args:
            data: where its images are now: a place that has the same ones; default: where it recorded them.
        """
        self.folder, self.data, self.rank = RunFolder.open(path_of(path)), text_of("data", data), 0
        self._project: Project | None = None
        self._writing: AbstractContextManager[None] | None = None

    @classmethod
    def of_folder(cls, folder: RunFolder, data: str = "") -> "Run":
        """Return the run in a folder that is open already."""
        run = cls.__new__(cls)
        run.folder, run.data, run.rank, run._project, run._writing = folder, data, 0, None, None
        return run

    @classmethod
    def of(cls, project: "Project") -> "Run":
        """Return the run of a project, whose images and models stay in memory for the first method that is called."""
        run = cls.of_folder(project.run)
        run._project, run.rank = project, project.team.rank
        return run

    @property
    def path(self) -> Path:
        return self.folder.path

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"edgetl.Run({str(self.path)!r})"

    def _repr_html_(self) -> str:
        record = self.folder.read()
        rows = [(name, f"{stage.seconds:.0f} s", ", ".join(stage.files)) for name, stage in record.stages.items()]
        return Overview(f"run {self.path}, made {record.created}", ("stage", "took", "files"), rows).html()

    def __enter__(self) -> "Run":
        self._writing = self.folder.writing() if self.rank == 0 else nullcontext()
        self._writing.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        opened, self._writing, self._project = self._writing, None, None
        if opened:
            opened.__exit__(kind, error, trace)

    def export(self, **options: Unpack[ExportOptions]) -> "Exported":
        """Write model files into the run's export folder; see `edgetl.ExportOptions`.

        Raises BudgetError when the best int8 model loses more than `max_drop` (it is written).

        Examples:
            >>> edgetl.Run("runs/flowers").export(precisions=["int8"], formats=["tflite"])
        """
        from edgetl.api.results import Exported
        from edgetl.export import in_style
        from edgetl.pipeline.export import files as stage
        from edgetl.pipeline.project import Project
        from edgetl.quantization import scheme_of

        known(options, ExportOptions)
        kept = several("keep_float", options.get("keep_float", ()))
        asked = {"export.keep_float": kept or None, "export.max_drop": options.get("max_drop"), "export.batch": options.get("batch")}
        names, style = several("formats", options.get("formats", ())), options.get("onnx_style", "")
        chosen = several("precisions", options.get("precisions", ()))
        for precision in chosen:
            scheme_of(precision)  # which names those that there are
        with self._opened() as project:
            if options.get("settings") or any(value is not None for value in asked.values()):
                project = Project.open(self.folder, asked, options.get("settings"), data=self.data)
            if style:
                names = in_style(names or project.recipe.export.formats, style)
            return Exported.of(self.folder, stage.export(project, chosen, names))

    def validate(self, *, limit: int | None = None, again: bool = True) -> "Validation":
        """Check that all exported files give the same predictions: compare Keras, LiteRT and ONNX Runtime on the images that measure.

        Args:
            limit: number of images, spread evenly over the classes; 0: all; default: the recipe's.
            again: also validate files that were validated before.
        """
        from edgetl.pipeline import validate as stage

        if limit is not None:
            at_least(0, limit=limit)
        with self._opened() as project:
            return stage.validate(project, limit, again=again)

    def evaluate(
        self, *, split: str = "", models: Sequence[str | Path] = (), folds: int = 0, unknown: Sequence[str | Path] = ()
    ) -> "Evaluation":
        """Measure accuracy, top-k accuracy, loss, per-class metrics, confusion matrix and calibration, all with confidence intervals.

        Args:
            split: "val", "test" or "train"; default: test, where the images have such a split, else val.
            models: exported files such as "model_int8.onnx"; default: int8 and float32.
            folds: also cross-validate the head in this many folds; 0: do not.
            unknown: folders of images, in any layout, that show none of the classes: how many pass, and are named anyway.
        """
        from edgetl.pipeline.evaluate import scores as stage

        at_least(0, folds=folds)
        texts(split=split)
        files, folders = ([Path(one) for one in several(name, given)] for name, given in (("models", models), ("unknown", unknown)))
        with self._opened() as project:
            return stage.evaluate(project, split, files, folds, folders)

    def choose_thresholds(self, target: str = "best-f1") -> "ThresholdChoice":
        """Choose, on images that do not measure, each class's least probability, and write it into contract and model files.

        Args:
            target: "best-f1", or "precision=0.9": the lowest threshold with that precision.
        """
        from edgetl.evaluation.thresholds import Aim
        from edgetl.pipeline.evaluate import thresholds as stage

        texts(target=target)
        wanted = Aim.of(target)
        with self._opened() as project:
            return stage.choose_thresholds(project, wanted)

    def remove_thresholds(self) -> None:
        """Take the thresholds of the classes out of contract and model files; the rejection of unknown images stays as it is."""
        from edgetl.pipeline.evaluate import thresholds as stage

        with self._opened() as project:
            stage.remove_thresholds(project)

    def sensitivity(self, *, limit: int = 128, scheme: str = "") -> "Sensitivity":
        """Measure what quantization does to each operator, alone and in the complete model.

        Args:
            limit: training images to measure on; 0: all.
            scheme: "ptq_int8" or "qat_int8"; default: the model that was exported.
        """
        from edgetl.pipeline import sensitivity as stage

        at_least(0, limit=limit)
        texts(scheme=scheme)
        with self._opened() as project:
            return stage.sensitivity(project, limit, scheme)

    def explain(self, images: Sequence[str | Path], *, out: str | Path | None = None) -> "Explanation":
        """Show where the float and the int8 model look (Grad-CAM), and where they differ: a PNG for each image.

        Args:
            images: files, or embedded images such as "digits:7".
            out: folder; default: `explain` in the run, for its report.
        """
        from edgetl.pipeline import explain as stage

        names = several("images", images)
        if not names:
            raise UsageError("no image was named", "name files, or embedded images such as digits:7")
        with self._opened() as project:
            return stage.explain(project, names, as_path(out))

    def benchmark(self, **options: Unpack[BenchmarkOptions]) -> "Benchmark":
        """Measure latency, memory and size of the exported files on devices side by side; see `edgetl.BenchmarkOptions`."""
        return benchmark(self.folder, **({"data": self.data} | options))

    def bundle(self, out: str | Path | None = None, **options: Unpack[BundleOptions]) -> "Manifest":
        """Pack models, contract, class names, golden predictions, card and bill of materials for an app; see `edgetl.BundleOptions`.

        Args:
            out: file that ends in .edgetl; default: the run's name, in the run.
        """
        from edgetl.pipeline.ship import bundle as stage

        known(options, BundleOptions)
        asked = stage.BundleRequest(
            models=tuple(several("models", options.get("models", ()))),
            name=options.get("name", ""),
            version=options.get("version", ""),
            licence=options.get("licence", ""),
            signing_key=as_path(options.get("sign")),
            golden=text_of("golden", options.get("golden", stage.BundleRequest.golden)),
            force=options.get("force", False),
        )
        with self._opened() as project, self.folder.writing() if out is None else nullcontext():
            return stage.bundle(project, self.bundle_path(out), asked)

    def bundle_path(self, out: str | Path | None = None) -> Path:
        """Return where `bundle` writes."""
        return as_path(out) or self.path / f"{self.path.resolve().name}.edgetl"

    def ship(self, target: str, **options: Unpack[ShipOptions]) -> "Shipped":
        """Make an app of the run, or add it to one; see `edgetl.ShipOptions`."""
        return ship_bundle(self.path, target, **({"data": self.data} | options))

    def report(self, out: str | Path | None = None, *, form: str = "") -> "Report":
        """Write one page with everything that the run holds; return its path and what it lacks.

        Args:
            out: file; default: report.html, .md or .pdf in the run.
            form: "html", "md" or "pdf"; default: as `out` ends, else "html". "pdf" needs Chromium.
        """
        from edgetl.api.results import Report
        from edgetl.pipeline import report as stage

        file = as_path(out)
        ending = file.suffix.removeprefix(".").lower() if file else ""
        texts(form=form)
        if form not in ("", *FORMS):
            raise UsageError(f"there is no format '{form}'", did_you_mean(form, FORMS))
        chosen = form or (ending if ending in FORMS else "html")
        path, absent = stage.report(self.folder, file, chosen, self.data)
        return Report(path, path.stat().st_size, tuple(absent))

    def card(self, out: str | Path | None = None) -> "Card":
        """Write a model card, card.md and results.json, into `out`, by default the run."""
        from edgetl.api.results import Card

        return Card.write(self.folder, as_path(out))

    def track(self) -> None:
        """Track the run's settings, epochs, figures and files in MLflow, if its recipe says where."""
        from edgetl.pipeline import track as stage

        if self.rank == 0:
            with self._opened() as project:
                stage.track(self.folder, project.recipe)

    @contextmanager
    def _opened(self) -> Iterator["Project"]:
        """Give the project that a method works on; inside of a `with` all methods share one."""
        from edgetl.pipeline.project import Project

        self._project = self._project or Project.open(self.folder, data=self.data)
        try:
            stops.check()
            yield self._project
            stops.check()
        finally:
            if self._writing is None:
                self._project = None


def newest(*, for_: str = "show", data: str | Path = "") -> Run:
    """Return the newest run under runs/, or the newest that can be used for something. Raises RunError when there is none.

    Args:
        for_: "export", "validate", "bundle" or another method of `Run`: runs that lack what it needs are passed over, and named.
        data: where the run's images are now, as for `edgetl.Run`.
    """
    from edgetl.pipeline.newest import newest as choose

    texts(for_=for_)
    return Run.of_folder(choose(for_), text_of("data", data))
