"""`edgetl export`."""

from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import Json, RunPath


def export(
    run: RunPath = None,
    int8: Annotated[bool, typer.Option("--int8", help="Integers only, raw uint8 pixels in.")] = False,
    float32: Annotated[bool, typer.Option("--float32", help="As trained.")] = False,
    float16: Annotated[bool, typer.Option("--float16", help="Half the size, computed in float.")] = False,
    formats: Annotated[str, typer.Option(metavar="tflite,onnx", help="Comma-separated; left out: all.")] = "",
    as_json: Json = False,
) -> None:
    """Write model files into RUN/export; without a flag all that the run can give.

    Example: edgetl export --int8
    """
    from edgetl.export import FORMATS

    names = [FORMATS.check(name.strip()) for name in formats.split(",") if name.strip()]
    chosen = [precision for precision, wanted in (("float32", float32), ("float16", float16), ("int8", int8)) if wanted]

    from edgetl import pipeline
    from edgetl.project import Project

    project = Project.open(run)
    files = pipeline.export(project, chosen, names)
    document = {"run": str(project.run.path), "files": [{"path": str(file), "size_bytes": file.stat().st_size} for file in files]}
    if project.run.read()["stages"].get("export_int8"):
        document["int8"] = project.run.stage("export_int8")["facts"]
    console.table("exported", ["file", "bytes"], [[file["path"], f"{file['size_bytes']:,}"] for file in document["files"]])  # type: ignore[index]
    console.result(document)
