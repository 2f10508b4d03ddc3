"""An integer model that could be exported: its numbers, its file, and what it costs on images that neither learned from."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from edgetl.accuracy import figure
from edgetl.data.base import Images
from edgetl.evaluation.judged import Judged
from edgetl.evaluation.measures import measures_of
from edgetl.export import FORMATS, formats_of
from edgetl.export.base import Conversion, Format
from edgetl.int8_record import Int8Candidate
from edgetl.pipeline.export.current import asked_of
from edgetl.pipeline.export.stamped import stamped
from edgetl.pipeline.known_predictions import KnownPredictions
from edgetl.pipeline.project import Project
from edgetl.quantization import SCHEMES
from edgetl.quantization.quantized import Quantized
from edgetl.runtimes import open_session
from edgetl.runtimes.base import predict as predict_rows
from edgetl.wording import counted, measured_on


@dataclass(frozen=True)
class Candidate:
    """An integer model as its file runs on the images that judge it."""

    name: str
    quantized: Quantized
    conversion: Conversion
    size_bytes: int
    judged: Judged
    kept_float: tuple[str, ...] = ()

    @property
    def order(self) -> tuple[float, float]:
        """Return a key by which the better candidate for a promised drop is larger: more often right, then nearer to float."""
        return figure(self.judged.accuracy).value, -self.judged.kl

    def figures(self) -> Int8Candidate:
        """Return what the record of the run keeps."""
        accuracy, cost = self.judged.accuracy, self.judged.cost
        single = accuracy.top1_interval_95
        return Int8Candidate(
            name=self.name,
            top1_accuracy=accuracy.top1_accuracy,
            top1_interval_95=single and (round(single[0], 5), round(single[1], 5)),
            loss=accuracy.loss,
            kl=self.judged.kl,
            drop_points=self.judged.drop_points,
            lost=cost.only_a,
            won=cost.only_b,
            mcnemar_p=cost.mcnemar_p,
            size_bytes=self.size_bytes,
            kept_float=self.kept_float,
            multi_label=accuracy.multi_label,
        )

    def __str__(self) -> str:
        accuracy, cost, judged_by = self.judged.accuracy, self.judged.cost, figure(self.judged.accuracy)
        moved = f"{self.judged.drop_points:+z.2f} points lost ({counted(cost.only_a, 'image')} lost, {cost.only_b:,} won)"
        right = f"{judged_by.metric} {100 * judged_by.value:.2f} % on {measured_on(accuracy.images, 'image')}"
        return f"{self.name}: {right}, {moved}"


def judging(project: Project) -> Images:
    """Return the images whose "val" judge: training images that choose, or the validation images where a drop is promised."""
    images = project.data.trained_images()
    return images if asked_of(project).has_budget else project.data.choosing


def candidate(project: Project, scheme: str, quantized: Quantized, *, variation: str = "", kept_float: tuple[str, ...] = ()) -> Candidate:
    """Convert a scheme's model to the first format that carries it, and try that file on the images that judge it.

    Args:
        variation: how the model differs from what the scheme makes by itself, for its name.
        kept_float: the operators that are in float.
    """
    name, precision = f"{scheme}{variation}", SCHEMES.load(scheme).precision
    model = quantized.to_keras(project.models.float_model, project.contract)
    conversion = Conversion(model, project.contract, precision, FORMATS.load, selective=bool(kept_float), own=quantized.own)
    content = conversion.file(formats_of(precision)[0])
    return Candidate(name, quantized, conversion, len(content), _judged(project, conversion, name), kept_float)


def measured(project: Project, chosen: Candidate) -> Candidate:
    """Return the candidate with its figures on the images that measure; they did not choose it unless the recipe promises a drop.

    Its file, as it is exported, and the float model predict for that; a validation of both finds these predictions.
    """
    images = project.data.measuring
    if images is judging(project):
        return chosen
    of_float, rows, form = project.models.float_predictions_of(images), images.rows("val"), _first_format(chosen.conversion)
    with _file(form, chosen.conversion.precision, stamped(project, chosen.conversion, form.name)) as path:
        found = predict_rows(open_session(path, project.contract), images.pixels, rows, chosen.name)
        KnownPredictions.of(project, rows).keep({project.models.float_path: of_float, path: found})
    return replace(chosen, judged=Judged.of(measures_of(project.contract.output), of_float, found, images.label_ids[rows]))


def _judged(project: Project, conversion: Conversion, name: str) -> Judged:
    """Run the first format's file on the images that judge it."""
    images, form = judging(project), _first_format(conversion)
    rows = images.rows("val")
    with _file(form, conversion.precision, conversion.file(form.name)) as path:
        found = predict_rows(open_session(path, project.contract), images.pixels, rows, name)
    measures, of_float = measures_of(project.contract.output), project.models.float_predictions_of(images)
    return Judged.of(measures, of_float, found, images.label_ids[rows])


def _first_format(conversion: Conversion) -> Format:
    return FORMATS.load(formats_of(conversion.precision)[0])


@contextmanager
def _file(form: Format, precision: str, content: bytes) -> Iterator[Path]:
    """Have a file for a while."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / form.file_name(precision)
        path.write_bytes(content)
        yield path
