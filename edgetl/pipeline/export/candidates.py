"""An int8 model that could be shipped: its numbers, its TFLite file, and what it costs on the validation images."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from edgetl.evaluation.metrics import Accuracy, measure
from edgetl.evaluation.statistics import Paired, paired
from edgetl.export.tflite import int8_tflite
from edgetl.pipeline.project import Project
from edgetl.quantization.base import Quantized
from edgetl.run_record import Int8Candidate
from edgetl.runtimes import open_session
from edgetl.runtimes.base import predict as predict_rows


@dataclass(frozen=True)
class Candidate:
    """An int8 model as LiteRT runs it; `cost` compares it with the float model image by image."""

    name: str
    quantized: Quantized
    content: bytes
    accuracy: Accuracy
    cost: Paired
    kept_float: tuple[str, ...] = ()

    @property
    def order(self) -> tuple[float, float]:
        """Larger is better: more often right, then the surer of what is right."""
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
            size_bytes=len(self.content),
            kept_float=self.kept_float,
        )

    def __str__(self) -> str:
        cost = self.cost
        moved = f"{cost.drop_points:+.2f} points lost ({cost.only_a} images lost, {cost.only_b} won)"
        return f"{self.name}: top-1 {self.accuracy.top1_accuracy:.4f}, {moved}"


def candidate(project: Project, name: str, quantized: Quantized, kept_float: tuple[str, ...] = ()) -> Candidate:
    """Convert, and try on the validation images in LiteRT."""
    images, rows = project.trained_images(), project.images.rows("val")
    content = int8_tflite(quantized.to_keras(project.float_model, project.contract), project.contract)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(content)
        predictions = predict_rows(open_session(path, project.contract), images.pixels, rows, name)
    labels = images.label_ids[rows]
    cost = paired(project.float_predictions.argmax(1) == labels, predictions.argmax(1) == labels)
    return Candidate(name, quantized, content, measure(predictions, labels), cost, kept_float)
