"""Describe a model in TFLite Metadata, by which a .tflite file describes itself to MediaPipe Tasks, ML Kit, Android Studio and model hubs.

A flatbuffer of its own (schema M001: `metadata_schema.fbs` of TensorFlow Lite Support) in a buffer of the model. It names the file
of the class names, which lies in a zip archive behind the model.
"""

from typing import Any

import flatbuffers

from edgetl.contract import Contract
from edgetl.export.base import About
from edgetl.output import Output
from edgetl.wording import quoted

NAME = b"TFLITE_METADATA"  # by which readers find the buffer
_IDENTIFIER = b"M001"
CLASS_NAMES_FILE, CALIBRATION_FILE = "labels.txt", "score_calibration.txt"

# The fields that are written, by their number in the schema.
_FIELDS = {
    "ModelMetadata": {
        **{"name": 0, "description": 1, "version": 2, "subgraph_metadata": 3, "author": 4, "license": 5},
        "min_parser_version": 7,
    },
    "SubGraphMetadata": {"input_tensor_metadata": 2, "output_tensor_metadata": 3},
    "TensorMetadata": {"name": 0, "description": 1, "content": 3, "process_units": 4, "stats": 5, "associated_files": 6},
    "Content": {"content_properties_type": 0, "content_properties": 1},
    "ImageProperties": {"color_space": 0},
    "FeatureProperties": dict[str, int](),
    "ProcessUnit": {"options_type": 0, "options": 1},
    "NormalizationOptions": {"mean": 0, "std": 1},
    "ScoreCalibrationOptions": {"score_transformation": 0, "default_score": 1},
    "ScoreThresholdingOptions": {"global_score_threshold": 0},
    "Stats": {"max": 0, "min": 1},
    "AssociatedFile": {"name": 0, "description": 1, "type": 2},
}
# Of the schema's unions and enumerations.
_FEATURE, _IMAGE, _NORMALIZATION, _CALIBRATION, _THRESHOLDING = 1, 2, 1, 2, 3
_AXIS_NAMES, _AXIS_CALIBRATION, _INVERSE_LOGISTIC = 2, 4, 2
_COLOURS = {"RGB": 1, "gray": 2}  # of the schema's ColorSpaceType
_CUT = {"center_square": "'s central square", "center": "'s central part", "none": ""}
_PARSER = "1.0.0"  # the first that knows all of these
_ASSOCIATED = {
    CLASS_NAMES_FILE: {"description": "A class a line.", "type": _AXIS_NAMES},
    CALIBRATION_FILE: {"description": "The score from which on each class is kept.", "type": _AXIS_CALIBRATION},
}


class _Table:
    """A table of the schema with the fields that are not empty: text, tables, lists of tables, floats, lists of floats, or enumerators."""

    def __init__(self, kind: str, **fields: Any) -> None:
        self._numbers = _FIELDS[kind]
        self._fields = {name: value for name, value in fields.items() if value not in ("", [])}

    def write(self, builder: Any) -> int:
        """Write the table behind what it points to, and return its offset."""
        placed = {name: _placed(builder, value) for name, value in self._fields.items()}
        builder.StartObject(max(self._numbers.values(), default=-1) + 1)
        for name, value in placed.items():
            slots = {int: builder.PrependUint8Slot, float: builder.PrependFloat32Slot}
            slots.get(type(self._fields[name]), builder.PrependUOffsetTRelativeSlot)(self._numbers[name], value, 0)
        offset: int = builder.EndObject()
        return offset


def _placed(builder: Any, value: Any) -> int | float:
    """Write the value and return its offset, or the enumerator or float itself."""
    if isinstance(value, int | float):
        return value
    if isinstance(value, _Table):
        return value.write(builder)
    if isinstance(value, str):
        return int(builder.CreateString(value))
    floats = isinstance(value[0], float)
    items = value if floats else [item.write(builder) for item in value]
    builder.StartVector(4, len(items), 4)
    for item in reversed(items):
        (builder.PrependFloat32 if floats else builder.PrependUOffsetTRelative)(item)
    return int(builder.EndVector())


def described(contract: Contract, about: About, *, takes_bytes: bool) -> bytes:
    """Return the metadata's flatbuffer.

    Args:
        takes_bytes: whether the input is uint8, whose grid is the normalization; a float file takes 0..255 and normalizes inside.
    """
    mean, std = (float(contract.zero_point), 1 / contract.scale) if takes_bytes else (0.0, 1.0)
    channels, cut = contract.shape[2], _CUT[contract.input.crop]
    colours = _Table("ImageProperties", color_space=_COLOURS[contract.input.channels])
    grid = _Table("NormalizationOptions", mean=[mean] * channels, std=[std] * channels)
    image = _Table(
        "TensorMetadata",
        name=contract.input.name,
        description=f"The image{cut} at {contract.height} x {contract.width} pixels, {contract.input.channels}, 0 to 255.",
        content=_Table("Content", content_properties_type=_IMAGE, content_properties=colours),
        process_units=[_Table("ProcessUnit", options_type=_NORMALIZATION, options=grid)],
        stats=_Table("Stats", max=[255.0] * channels, min=[0.0] * channels),
    )
    probabilities = _Table(
        "TensorMetadata",
        name=contract.output.name,
        description=f"The probability of each class.{_said(contract.output)}",
        content=_Table("Content", content_properties_type=_FEATURE, content_properties=_Table("FeatureProperties")),
        process_units=[*_calibration(contract.output), *_thresholding(contract.output)],
        stats=_Table("Stats", max=[1.0], min=[0.0]),
        associated_files=[_Table("AssociatedFile", name=name, **fields) for name, fields in _ASSOCIATED.items() if name in files(contract)],
    )
    model = _Table(
        "ModelMetadata",
        name=about.name,
        description=about.description,
        version=about.version,
        subgraph_metadata=[_Table("SubGraphMetadata", input_tensor_metadata=[image], output_tensor_metadata=[probabilities])],
        author=about.author,
        license=about.licence,
        min_parser_version=_PARSER,
    )
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.write(builder), _IDENTIFIER)
    return bytes(builder.Output())


def files(contract: Contract) -> dict[str, bytes]:
    """Return the text files that lie in the zip behind the model, by name.

    Where several classes have thresholds of their own, a line a class gives what readers calibrate its score by (scale, slope, offset),
    which leaves it as it is, and the lowest score that counts.
    """
    output = contract.output
    lines = "\n".join(f"1,1,0,{least:.9g}" for least in output.present_from)  # not ended: MediaPipe would count one more
    return {CLASS_NAMES_FILE: contract.class_name_lines} | ({CALIBRATION_FILE: lines.encode()} if _each_its_own(output) else {})


def _each_its_own(output: Output) -> bool:
    """Return whether readers can apply each class's threshold. Where an image shows one class at most, they would name another one."""
    return output.several and len(set(output.present_from)) > 1


def _calibration(output: Output) -> list[_Table]:
    """Return what gives the score 0 to a class below its own threshold, and leaves all others: the inverse of a sigmoid, and a sigmoid."""
    options = _Table("ScoreCalibrationOptions", score_transformation=_INVERSE_LOGISTIC)
    return [_Table("ProcessUnit", options_type=_CALIBRATION, options=options)] if _each_its_own(output) else []


def _thresholding(output: Output) -> list[_Table]:
    """Return what readers do with the scores: leave out those below the lowest threshold, since they know one for all classes."""
    lowest = float(output.present_from.min())
    options = _Table("ScoreThresholdingOptions", global_score_threshold=lowest)
    return [_Table("ProcessUnit", options_type=_THRESHOLDING, options=options)] if lowest else []


def _said(output: Output) -> str:
    lowest, highest = output.present_from.min(), output.present_from.max()
    if not highest:
        return ""
    own = ", ".join(f"{name} {least:.4f}" for name, least in zip(quoted(output.class_names), output.present_from, strict=True))
    if output.several:
        each = f" from {lowest:.4f} on" if lowest == highest else f" from its threshold on: {own}"
        return f" An image shows each class whose probability is high enough,{each}."
    if lowest == highest:
        return f" An image whose highest one is below {lowest:.4f} shows none of the classes."
    return f" An image whose highest one is below that class's threshold shows none of the classes: {own}."
