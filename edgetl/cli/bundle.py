"""`edgetl bundle`."""

from pathlib import Path
from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import Json, RunPath


def bundle(
    run: RunPath = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.edgetl", help="Write the bundle to this file (default: named as the run, in the run).")
    ] = None,
    models: Annotated[
        str,
        typer.Option(
            metavar="model_int8.tflite,...", help="Pack these exported files, separated by commas (default: int8 as .tflite and .onnx)."
        ),
    ] = "",
    name: Annotated[
        str, typer.Option(metavar="TEXT", help="Tell apps this name of the model (default: the recipe's, else the run's).")
    ] = "",
    model_version: Annotated[
        str,
        typer.Option(metavar="TEXT", help="Tell apps this version of the model (default: the recipe's, else one made from the content)."),
    ] = "",
    licence: Annotated[str, typer.Option(metavar="TEXT", help="Tell apps this licence of the model (default: the recipe's).")] = "",
    sign: Annotated[Path | None, typer.Option(metavar="KEY", help="Sign with this Ed25519 private key, see 'edgetl keygen'.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Bundle in spite of a failed or older validation; the manifest says so.")] = False,
    as_json: Json = False,
) -> None:
    """Pack a validated run for an app: models, contract, class names, golden predictions, card and bill of materials, with every hash.

    Models whose files say another name, version or licence are copied with these; their graphs stay as validated. A Core ML file cannot be
    run here: the manifest says that it is unverified, and its golden predictions are the Keras model's.

    Example: edgetl bundle runs/flowers --licence Apache-2.0 --sign release.key
    """
    from edgetl.api.runs import opened

    used = opened(run, for_="bundle")
    names = [name.strip() for name in models.split(",") if name.strip()]
    manifest = used.bundle(out, models=names, name=name, version=model_version, licence=licence, sign=sign, force=force)
    path = used.bundle_path(out)
    rows = [[name, f"{file.size_bytes:,}", file.sha256[:12]] for name, file in manifest.files.items()]
    console.table(f"{manifest.name}, version {manifest.version}", ["file", "bytes", "sha256"], rows)
    for name, facts in manifest.models.items():
        if facts.unverified:
            console.warn(f"{name} is unverified: {facts.unverified}")
    if manifest.validation.forced:
        console.warn(f"bundled by force: {manifest.validation.forced}")
    console.result({"bundle": str(path)} | manifest.to_json(), f"written: {path}; next: edgetl verify {path}")
