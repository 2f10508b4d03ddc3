"""`edgetl export`."""

from dataclasses import asdict
from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import Formats, Images, Json, RunPath, Set, setting

OnnxStyle = Annotated[
    str | None,
    typer.Option(
        metavar="integer|qdq",
        help="Write int8 ONNX files with integer operators, or with Q/DQ pairs for accelerators (default: as the formats say).",
    ),
]
MaxDrop = Annotated[
    float | None,
    setting(
        "export.max_drop",
        "Let int8 lose at most this many percentage points of top-1 accuracy; better int8 models are tried until one does",
        min=0,
        max=100,
        metavar="POINTS",
    ),
]
Batch = Annotated[
    str | None,
    setting("export.batch", "Let a file take this many images at a time; dynamic: any number, ONNX alone", metavar="N|dynamic"),
]


def export(
    run: RunPath = None,
    int8: Annotated[
        bool,
        typer.Option("--int8", help="Write int8 files: integer operators (above 256 classes a float softmax), raw uint8 pixels as input."),
    ] = False,
    float32: Annotated[bool, typer.Option("--float32", help="Write float32 files, as trained.")] = False,
    float16: Annotated[bool, typer.Option("--float16", help="Write float16 files: half the size, computed in floating point.")] = False,
    dynamic_int8: Annotated[bool, typer.Option("--dynamic-int8", help="Write files with int8 weights and float activations.")] = False,
    int16x8: Annotated[bool, typer.Option("--int16x8", help="Write files with int16 activations and int8 weights.")] = False,
    formats: Formats = "",
    onnx_style: OnnxStyle = None,
    keep_float: Annotated[
        list[str] | None, typer.Option(metavar="LAYER", help="Keep this operator of the int8 model in float; may be repeated.")
    ] = None,
    max_drop: MaxDrop = None,
    batch: Batch = None,
    settings: Set = None,
    data: Images = "",
    as_json: Json = False,
) -> None:
    """Write the model files of a run: TFLite, ONNX and others.

    The files go into RUN/export; without a flag, in every precision that the recipe names.

    With --max-drop, better int8 models are tried until one loses no more: calibration, better ranges, quantization-aware training, then the
    most sensitive operators in float. Exit code 9: none is good enough; the best one is written.

    With --batch 4, every file takes four images at a time, for servers and video; with --batch dynamic, an ONNX file takes any number. A
    format that cannot have the batch keeps 1, and a line says so. Apps of 'edgetl ship' need 1 or dynamic.

    Every file describes itself: its input, its class names, and what --set about.name=Flowers, about.version, about.licence and
    about.author say.

    Example:
      edgetl export runs/flowers --int8 --max-drop 0.5
    """
    from edgetl.api.runs import opened
    from edgetl.export import FORMATS

    names = [FORMATS.check(name.strip()) for name in formats.split(",") if name.strip()]
    flags = {"float32": float32, "float16": float16, "dynamic_int8": dynamic_int8, "int8": int8, "int16x8": int16x8}
    precisions = [precision for precision, wanted in flags.items() if wanted]
    exported = opened(run, for_="export", data=data).export(
        precisions=precisions,
        formats=names,
        onnx_style=onnx_style or "",
        keep_float=keep_float or (),
        max_drop=max_drop,
        batch=int(batch) if batch and batch.isdecimal() else batch,
        settings=settings,
    )
    files = [file.to_json() for file in exported.files]
    document = {"run": str(exported.run), "files": files} | ({"choice": asdict(exported.choice)} if exported.choice else {})
    console.table("exported", *exported.table)
    console.result(document)
