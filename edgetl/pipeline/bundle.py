"""A validated run to a bundle, and a bundle's proof."""

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from edgetl.contract import InputContract
from edgetl.data.decode import fit
from edgetl.errors import ParityError, RunError, UsageError
from edgetl.pipeline.export import exported
from edgetl.pipeline.validate import subject_name
from edgetl.project import Project
from edgetl.registry import did_you_mean
from edgetl.report import card as cards
from edgetl.runtimes import open_session, runtime_of
from edgetl.runtimes.base import predict as predict_rows
from edgetl.ship import archive, golden, signature
from edgetl.ship.golden import Golden
from edgetl.ship.manifest import SCHEMA, File, Latency, Manifest, Model, Validation, dump
from edgetl.ship.sbom import sbom
from edgetl.workspace import Run, fingerprint, sha256

_REMEDY = "run 'edgetl validate' (and mend what it finds), or bundle it all the same with --force"


def bundle(
    project: Project, out: Path, names: Sequence[str], title: str, version: str, licence: str, key: Path | None, force: bool
) -> Manifest:
    """Write the bundle of a run's files.

    Args:
        names: of files in its export folder; none: the int8 ones.
        title: what apps call it; empty: the run's name.
        version: of the model; empty: from the content.
        key: to sign with.
        force: also without a good validation, which the manifest then says.
    """
    run, files = project.run, _files(project.run, exported(project), names)
    validation, forced = _validation(run, files, force)
    contents = {path.name: path.read_bytes() for path in files}
    hashes = {name: _file(content) for name, content in contents.items()}
    version = version or fingerprint({name: facts.sha256 for name, facts in hashes.items()})[:12]
    title = title or run.path.resolve().name
    record = run.read()
    contents |= _golden(project, files).files(project.contract.labels)
    contents |= {
        "labels.txt": _lines(project.contract.labels),
        "card.md": cards.card(run.path.resolve().name, cards.results(record, validation)).encode(),
        "sbom.json": sbom(title, version, licence, hashes, record["software"]),
    }
    manifest = Manifest.model_validate(
        {
            "schema": SCHEMA,
            "name": title,
            "architecture": f"{project.recipe.model.backbone} {project.recipe.model.alpha:g}, {project.recipe.model.image_size} px",
            "version": version,
            "licence": licence,
            "scheme": str(record["stages"].get("export_int8", {"facts": {}})["facts"].get("shipped", "")),
            "contract": project.contract.to_dict(),
            "models": {path.name: _model(run, path, validation) for path in files},
            "files": {name: _file(content) for name, content in sorted(contents.items())},
            "validation": Validation(passed=validation["passed"], pictures=validation["pictures"], forced=forced),
            "data_fingerprint": record["stages"]["data"]["facts"]["fingerprint"],
            "software": record["software"],
        }
    )
    signed = {archive.SIGNATURE: signature.sign(dump(manifest), key)} if key else {}
    archive.write(out, contents | {archive.MANIFEST: dump(manifest)} | signed)
    return manifest


def verify(path: Path, key: Path | None = None) -> dict[str, Any]:
    """Read a bundle, check its hashes, its signature if a key is given, and run its golden pictures on this host.

    Raises RunError (not whole, or not signed by that key) or ParityError (other answers than when it was made).
    """
    manifest, files = archive.read(path)
    if key:
        signature.check(files[archive.MANIFEST], files.get(archive.SIGNATURE), key)
    try:
        contract = InputContract.from_dict(manifest.contract.model_dump(by_alias=True))
        wanted = Golden.of(files, contract.labels)
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{path}: its golden answers cannot be read: {error!r}", "get the bundle again from who made it") from error
    if files.get("labels.txt") != _lines(contract.labels):
        raise RunError(f"{path}: labels.txt has other labels than the manifest", "get the bundle again from who made it")
    missing = set(manifest.models) ^ set(wanted.answers) | (set(manifest.models) - set(files))
    if missing:
        raise RunError(f"{path}: there is a model or golden answers for it, not both: {sorted(missing)[0]}", "bundle the run again")
    found = _answers({name: files[name] for name in manifest.models}, contract, wanted.pixels)
    return {
        "bundle": str(path),
        "name": manifest.name,
        "version": manifest.version,
        "signed": archive.SIGNATURE in files,
        "signature_checked": key is not None,
        "validation": manifest.validation.model_dump(),
        "golden": {name: golden.check(name, wanted.answers[name], answers) for name, answers in found.items()},
        "resize_max_levels": golden.check_resize(wanted.resized, _resized(wanted.pixels, contract)),
    }


def _files(run: Run, exports: Mapping[str, str], names: Sequence[str]) -> list[Path]:
    there = {Path(file).name: run.path / file for file in exports}
    wanted = list(names) or [name for name in there if "_int8." in name and not name.endswith("_qdq.onnx")]
    unknown = [name for name in wanted if name not in there]
    if unknown or not wanted:
        raise UsageError(f"the run has no {unknown[0] if unknown else 'int8 model'}", did_you_mean(unknown[0] if unknown else "", there))
    return [there[name] for name in wanted]


def _validation(run: Run, files: Sequence[Path], force: bool) -> tuple[dict[str, Any], str]:
    """The run's validation, and what is wrong with it: nothing, unless forced. Raises RunError or ParityError."""
    document = run.read_validation()
    validated = run.stage("validate")["facts"].get("files", {})
    older = [path.name for path in files if validated.get(path.relative_to(run.path).as_posix()) != sha256(path)]
    wrong = f"{older[0]} was exported after it" if older else "" if document["passed"] else "it failed"
    if wrong and not force:
        raise (RunError if older else ParityError)(f"the validation of {run.path} does not do: {wrong}", _REMEDY)
    return document, wrong


def _golden(project: Project, files: Sequence[Path]) -> Golden:
    pictures, rows = project.trained_pictures(), project.pictures.rows("val")
    first = predict_rows(open_session(files[0], project.contract), pictures.pixels, rows, "golden pictures")
    rows = rows[golden.choose(first, pictures.labels[rows])]
    pixels, contract = np.ascontiguousarray(pictures.pixels[rows]), project.contract
    names = tuple(contract.labels[label] for label in pictures.labels[rows])
    answers = _answers({path.name: path.read_bytes() for path in files}, contract, pixels)
    return Golden(pixels, names, answers, _resized(pixels, contract))


def _resized(pixels: Any, contract: InputContract) -> Any:
    return fit(Image.fromarray(golden.mosaic(pixels)), contract)


def _answers(models: Mapping[str, bytes], contract: InputContract, pixels: Any) -> dict[str, Any]:
    answers = {}
    with tempfile.TemporaryDirectory(prefix="edgetl-") as folder:
        for name, content in models.items():
            path = Path(folder) / name
            path.write_bytes(content)
            answers[name] = open_session(path, contract)(pixels)
    return answers


def _model(run: Run, path: Path, validation: Mapping[str, Any]) -> Model:
    name = subject_name(path)
    subject = validation["subjects"].get(name)
    if subject is None:
        raise RunError(f"{path.name} was not validated", _REMEDY.partition(",")[0])
    chip = validation["cpu"]["model"]
    latency = [Latency(device="host of the validation", chip=chip, p50_ms=subject["latency_ms"]["p50"])]
    with suppress(OSError, ValueError, KeyError, TypeError):  # a benchmark is welcome, not needed
        measured = json.loads((run.path / "benchmark.json").read_text(encoding="utf-8"))
        if measured["models"].get(name, {}).get("sha256") == sha256(path):
            for one in measured["results"]:
                if one["model"] == name and (one.get("latency_ms") or {}).get("p50") is not None:
                    facts = measured["devices"][one["device"]]
                    latency.append(Latency(device=one["device"], chip=facts.get("chip") or "", p50_ms=one["latency_ms"]["p50"]))
    accuracy = subject["accuracy"]
    precision = path.stem.removeprefix("model_")
    return Model(
        runtime=runtime_of(path),
        precision=precision,
        top1_accuracy=accuracy["top1_accuracy"],
        top1_interval_95=accuracy["top1_interval_95"],
        latency=latency,
    )


def _lines(labels: Sequence[str]) -> bytes:
    return "".join(f"{label}\n" for label in labels).encode()


def _file(content: bytes) -> File:
    return File(sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))
