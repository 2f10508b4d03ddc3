"""`edgetl sensitivity`."""

from typing import TYPE_CHECKING, Annotated

import typer

from edgetl import console
from edgetl.cli.options import Images, Json, RunPath
from edgetl.wording import counted

if TYPE_CHECKING:
    from edgetl.quantization.results import Sensitivity

_ROWS = 20  # of a table: the rest is hardly to blame, and is in the file


def sensitivity(
    run: RunPath = None,
    limit: Annotated[
        int, typer.Option(min=0, metavar="N", help="Measure on this many training images, spread evenly over the classes; 0: all.")
    ] = 128,
    scheme: Annotated[
        str,
        typer.Option(
            metavar="SCHEME",
            help="Analyze this int8 model, as it was trained (default: the exported int8 model, else the one calibrated after training).",
        ),
    ] = "",
    data: Images = "",
    as_json: Json = False,
) -> None:
    """Find the operators that quantization hurts most.

    Quantizes each operator alone, then compares the complete int8 model with the float model, layer by layer. Writes RUN/sensitivity.json
    and RUN/sensitivity.png.

    Example:
      edgetl sensitivity runs/flowers
    """
    from edgetl.api.runs import opened

    used = opened(run, for_="sensitivity", data=data)
    document = used.sensitivity(limit=limit, scheme=scheme)
    console.note(f"{document.model}, {document.scheme}, {counted(document.images, 'training image')}")
    _alone(document)
    _complete(document)
    console.note(f"{used.folder.sensitivity_plot} shows all of it, {used.folder.sensitivity} holds the figures")
    console.result(document.to_json())


def _alone(document: "Sensitivity") -> None:
    from edgetl.quantization.results import decibel_text

    rows = [
        [one.operator, decibel_text(one), f"{100 * one.logits_change:.2f}", f"{100 * one.top1_flips:.2f}"]
        for one in document.operators[:_ROWS]
    ]
    console.note("SNR: signal to noise of the operator's output in dB; change of the logits and images with another top-1 in %")
    console.table(f"alone in int8: {len(rows)} worst of {len(document.operators)}", ["operator", "SNR", "logits", "flips"], rows)


def _complete(document: "Sensitivity") -> None:
    """Print the drift in the network's order, since what is lost at one place stays lost behind it."""
    from edgetl.quantization.results import decibel_text

    worst = sorted(enumerate(document.drift, start=1), key=lambda place: -place[1].lost_db)[:_ROWS]
    rows = [
        [place, one.operator, decibel_text(one), f"{one.lost_db:.1f}", f"{one.step:.2g}"]
        for place, one in sorted(worst, key=lambda place: place[0])
        if one.lost_db > 0
    ]
    console.note("lost: how far SNR falls in dB below the worst of what the operator reads; step: of its output's grid, 0 in float")
    console.table(f"the complete file: {len(rows)} of {len(document.drift)} that lose", ["#", "operator", "SNR", "lost", "step"], rows)
    number, first = document.first_loss
    console.note(f"most is lost at {first.operator} (#{number}): {first.lost_db:.1f} dB")
