"""Core ML files: an ML program that takes an image and gives a class, for Apple's devices.

A Core ML package is a folder; here it is a zip of one, so that it is hashed, replaced and shipped whole as other files are. Unpacked it is
`model_float16.mlpackage`, which Xcode takes.
"""

import io
import json
import tempfile
import uuid
import zipfile
from pathlib import Path
from typing import Any

from edgetl.console import hushed
from edgetl.contract import Contract
from edgetl.errors import DependencyError, ExportError
from edgetl.export.base import CONTRACT_KEY, About, Conversion, Format, contract_text
from edgetl.files import stored_zip
from edgetl.software import install

_DATA = "com.apple.CoreML"
_MODEL = "model.mlmodel"
_SPEC = f"Data/{_DATA}/{_MODEL}"
_PARTS = {_MODEL: "CoreML Model Specification", "weights": "CoreML Model Weights"}


def _coremltools() -> Any:
    try:
        with hushed():  # it names the releases of scikit-learn and TensorFlow that it was not tried with
            import coremltools
    except ImportError as error:
        raise DependencyError("Core ML files need the Python package coremltools", install("coreml")) from error
    return coremltools


def _convert(conversion: Conversion) -> bytes:
    """Convert a float Keras model: `image` of the contract's size to `classLabel` and the probability of each class."""
    from edgetl.export.tflite_writer import freeze, with_ends

    ct, contract, precision = _coremltools(), conversion.contract, conversion.precision
    frozen = freeze(with_ends(conversion.model, contract), contract)
    shape = (1, *contract.shape)
    colours = ct.colorlayout.RGB if contract.input.channels == "RGB" else ct.colorlayout.GRAYSCALE
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "model.mlpackage"
        try:
            with hushed():
                model = ct.convert(
                    [frozen],
                    source="tensorflow",
                    inputs=[ct.ImageType(name=contract.input.name, shape=shape, color_layout=colours)],
                    classifier_config=ct.ClassifierConfig(list(contract.class_names)),
                    convert_to="mlprogram",
                    compute_precision=ct.precision.FLOAT16 if conversion.scheme.halves else ct.precision.FLOAT32,
                    minimum_deployment_target=ct.target.iOS15,  # the first with ML programs
                    skip_model_load=True,
                    package_dir=str(Path(folder) / "made.mlpackage"),  # by itself it makes one that stays until Python ends, or for ever
                )
                model.save(str(package))
        except (ValueError, TypeError, NotImplementedError, RuntimeError) as error:
            raise ExportError(
                f"the Core ML converter failed: {str(error).splitlines()[0]}", "the model may have a layer that Core ML does not support"
            ) from error
        files = {path.relative_to(package).as_posix(): path.read_bytes() for path in package.rglob("*") if path.is_file()}
    return _zipped(f"model_{precision}.mlpackage", files)


def _stamp(content: bytes, contract: Contract, about: About) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [name.partition("/") for name in archive.namelist()]
        files = {inner: archive.read(f"{root}/{inner}") for root, _, inner in names}
    spec = _coremltools().proto.Model_pb2.Model.FromString(files[_SPEC])
    texts = spec.description.metadata
    texts.shortDescription, texts.versionString, texts.author, texts.license = about.description, about.version, about.author, about.licence
    facts = {"name": about.name, CONTRACT_KEY: contract_text(contract)}  # the class names are the model's own
    texts.userDefined.clear()  # among others the day of the conversion
    texts.userDefined.update({key: text for key, text in facts.items() if text})
    return _zipped(names[0][0], files | {_SPEC: spec.SerializeToString(deterministic=True)})


def _zipped(root: str, files: dict[str, bytes]) -> bytes:
    """Return the package with names of its parts that follow from what they are, where Core ML's are random."""
    parts = {name: str(uuid.uuid5(uuid.NAMESPACE_OID, name)) for name in _PARTS}
    manifest = {
        "fileFormatVersion": "1.0.0",
        "itemInfoEntries": {
            parts[name]: {"author": _DATA, "description": text, "name": name, "path": f"{_DATA}/{name}"} for name, text in _PARTS.items()
        },
        "rootModelIdentifier": parts[_MODEL],
    }
    files = files | {"Manifest.json": (json.dumps(manifest, indent=4) + "\n").encode()}
    return stored_zip({f"{root}/{name}": content for name, content in files.items()})


FORMAT = Format(
    name="coreml",
    suffix=".mlpackage.zip",
    runtime="coreml",
    precisions=("float32", "float16"),
    convert=_convert,
    stamp=_stamp,
)
