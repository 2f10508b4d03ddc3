"""`edgetl sensitivity`."""

from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import Json, RunPath


def sensitivity(
    run: RunPath = None,
    limit: Annotated[int, typer.Option(min=0, help="Training pictures, evenly over the classes; 0: all.")] = 128,
    as_json: Json = False,
) -> None:
    """Say which operator hurts: the damage that quantizing it alone does, worst first. Writes RUN/sensitivity.json.

    Example: edgetl sensitivity runs/flowers
    """
    from edgetl import pipeline
    from edgetl.project import Project

    document = pipeline.sensitivity(Project.open(run), limit)
    rows = [
        [
            one["operator"],
            "" if one["signal_to_noise_db"] is None else f"{one['signal_to_noise_db']:.1f}",
            f"{100 * one['logits_change']:.2f}",
            f"{100 * one['top1_flips']:.2f}",
        ]
        for one in document["operators"]
    ]
    console.note("signal to noise of the operator's own output in dB; change of the logits and pictures with another top-1 in %")
    console.table(f"each operator alone in int8, {document['pictures']} pictures", ["operator", "SNR", "logits", "flips"], rows)
    console.result(document)
