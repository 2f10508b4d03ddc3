"""An integer model that could be exported: its numbers, its file, and what it costs on the validation images."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from edgetl.evaluation.metrics import Accuracy, measure
from edgetl.evaluation.statistics import Paired, paired
from edgetl.export import FORMATS, formats_of
from edgetl.export.base import Conversion
from edgetl.int8_record import Int8Candidate
from edgetl.pipeline.project import Project
from edgetl.quantization import SCHEMES
from edgetl.quantization.quantized import Quantized
from edgetl.runtimes import open_session
from edgetl.runtimes.base import predict as predict_rows
from edgetl.wording import counted


@dataclass(frozen=True)
class Candidate:
    """An integer model as its file runs; `cost` compares it with the float model image by image."""

    name: str
    quantized: Quantized
    conversion: Conversion
    size_bytes: int
    accuracy: Accuracy
    cost: Paired
    kept_float: tuple[str, ...] = ()

    @property
    def order(self) -> tuple[float, float]:
        """Return a key by which the better candidate is larger: more often right, then surer of what is right."""
        return self.accuracy.top1_accuracy, -self.accuracy.loss

    def figures(self) -> Int8Candidate:
        """Return what the record of the run keeps."""
        low, high = self.accuracy.top1_interval_95
        return Int8Candidate(
            name=self.name,
            top1_accuracy=self.accuracy.top1_accuracy,
            top1_interval_95=(round(low, 5), round(high, 5)),
            loss=self.accuracy.loss,
            drop_points=self.cost.drop_points,
            lost=self.cost.only_a,
            won=self.cost.only_b,
            mcnemar_p=self.cost.mcnemar_p,
            size_bytes=self.size_bytes,
            kept_float=self.kept_float,
        )

    def __str__(self) -> str:
        cost = self.cost
        moved = f"{cost.drop_points:+z.2f} points lost ({counted(cost.only_a, 'image')} lost, {cost.only_b:,} won)"
        return f"{self.name}: top-1 {self.accuracy.top1_accuracy:.4f}, {moved}"


def candidate(project: Project, scheme: str, quantized: Quantized, *, variation: str = "", kept_float: tuple[str, ...] = ()) -> Candidate:
    """Convert a scheme's model to the first format that carries it, and try that file on the validation images.

    Args:
        variation: how the model differs from what the scheme makes by itself, for its name.
        kept_float: the operators that are in float.
    """
    name, precision = f"{scheme}{variation}", SCHEMES.load(scheme).precision
    images, rows = project.data.trained_images(), project.data.rows("val")
    model = quantized.to_keras(project.models.float_model, project.contract)
    conversion = Conversion(model, project.contract, precision, FORMATS.load, selective=bool(kept_float))
    form = FORMATS.load(formats_of(precision)[0])
    content = conversion.file(form.name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / form.file_name(precision)
        path.write_bytes(content)
        predictions = predict_rows(open_session(path, project.contract), images.pixels, rows, name)
    labels = images.label_ids[rows]
    cost = paired(project.models.float_predictions.argmax(1) == labels, predictions.argmax(1) == labels)
    return Candidate(name, quantized, conversion, len(content), measure(predictions, labels), cost, kept_float)
