"""`edgetl bundle`."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import Golden, Images, Json, RunPath


def bundle(
    run: RunPath = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.edgetl", help="Write the bundle to this file (default: RUN/NAME.edgetl).")
    ] = None,
    models: Annotated[
        str,
        typer.Option(metavar="FILE,...", help="Pack these exported files, separated by commas (default: int8 as .tflite and .onnx)."),
    ] = "",
    name: Annotated[
        str, typer.Option(metavar="TEXT", help="Name the model in the manifest (default: the recipe's name, else the run's).")
    ] = "",
    model_version: Annotated[
        str,
        typer.Option(metavar="TEXT", help="Give the model this version (default: the recipe's, else one derived from the content)."),
    ] = "",
    licence: Annotated[str, typer.Option(metavar="TEXT", help="Give the model this licence (default: the recipe's).")] = "",
    sign: Annotated[
        Path | None, typer.Option(metavar="KEY", help="Sign with this Ed25519 private key, see 'edgetl keygen' (default: none).")
    ] = None,
    golden: Golden = "validation",
    force: Annotated[
        bool, typer.Option("--force", help="Bundle despite a failed or outdated validation; the manifest records it.")
    ] = False,
    data: Images = "",
    as_json: Json = False,
) -> None:
    """Pack a validated run into one file for an app.

    A bundle holds models, contract, class names, golden predictions, card and bill of materials, with a hash of every file. The golden
    images that every app carries are synthetic; real ones go into an app's tests alone, and '--golden' says which. Models are copied with
    the name, version and licence given here; their graphs stay as validated. A Core ML file cannot be run here: the manifest lists it as
    unverified, and its golden predictions are the Keras model's.

    Example:
      edgetl bundle runs/flowers --sign release.key --out flowers.edgetl
    """
    from edgetl.api.runs import opened

    used = opened(run, for_="bundle", data=data)
    names = [name.strip() for name in models.split(",") if name.strip()]
    manifest = used.bundle(out, models=names, name=name, version=model_version, licence=licence, sign=sign, golden=golden, force=force)
    path = used.bundle_path(out)
    rows = [[name, f"{file.size_bytes:,}", file.sha256[:12]] for name, file in manifest.files.items()]
    console.table(f"{manifest.name}, version {manifest.version}", ["file", "bytes", "sha256"], rows)
    for name, facts in manifest.models.items():
        if facts.unverified:
            console.warn(f"{name} is unverified: {facts.unverified}")
    if manifest.own_images:
        console.note(f"the bundle holds {manifest.own_images}")
    if manifest.validation.forced:
        console.warn(f"bundled by force: {manifest.validation.forced}")
    console.result({"bundle": str(path)} | manifest.to_json(), f"written: {path}; next: edgetl verify {shlex.quote(str(path))}")
