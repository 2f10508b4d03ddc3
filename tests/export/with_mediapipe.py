"""Run by the Python that has MediaPipe: MODEL PIXELS SIZE to one JSON document, what MediaPipe Tasks makes of an unchanged .tflite file.

PIXELS holds images of SIZE x SIZE, uint8 RGB, one after the other.
"""

import json
import sys

import mediapipe
import numpy as np
from mediapipe.tasks.metadata import metadata_schema_py_generated as metadata_schema
from mediapipe.tasks.metadata import schema_py_generated as schema
from mediapipe.tasks.python.core.base_options import BaseOptions
from mediapipe.tasks.python.vision import ImageClassifier, ImageClassifierOptions


def plain(value):
    """The schema's objects as values that JSON holds."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, (list, np.ndarray)):
        return [plain(item) for item in value]
    if hasattr(value, "__dict__"):
        return {name: plain(item) for name, item in vars(value).items() if item is not None}
    return value.item() if isinstance(value, np.generic) else value


def metadata(content):
    model = schema.Model.GetRootAs(content)
    [buffer] = [
        model.Metadata(number).Buffer() for number in range(model.MetadataLength()) if model.Metadata(number).Name() == b"TFLITE_METADATA"
    ]
    told = model.Buffers(buffer).DataAsNumpy().tobytes()
    assert metadata_schema.ModelMetadata.ModelMetadataBufferHasIdentifier(told, 0)
    return plain(metadata_schema.ModelMetadataT.InitFromObj(metadata_schema.ModelMetadata.GetRootAs(told)))


def main(path, file, size):
    images = np.fromfile(file, np.uint8).reshape(-1, int(size), int(size), 3)
    predictions, kept = [], []
    with ImageClassifier.create_from_options(ImageClassifierOptions(base_options=BaseOptions(model_asset_path=path))) as classifier:
        for pixels in images:
            image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=pixels)
            categories = classifier.classify(image).classifications[0].categories
            predictions.append([categories[0].index, categories[0].category_name, categories[0].score] if categories else None)
            kept.append([[one.index, one.score] for one in categories])
    with open(path, "rb") as model:
        document = {"metadata": metadata(model.read()), "predictions": predictions, "all": kept}
    sys.stdout.write(json.dumps(document))


if __name__ == "__main__":
    main(*sys.argv[1:])
