"""Options that several commands take, once."""

import tomllib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import typer

from edgetl import console
from edgetl.cli.names import completed


def setting(key: str, text: str, *names: str, **more: Any) -> Any:
    """Return the option of a setting of the recipe, with its default in the help; the names of a switch are "--on/--off"."""
    table, name = key.split(".")
    default = _defaults()[table][name]
    if isinstance(default, bool):
        shown: object = names[0].split("/")[0 if default else 1]
    else:
        if not any("/" in name for name in names):  # a switch takes no value
            more.setdefault("metavar", "N" if isinstance(default, int) else "X")
        shown = "none" if default == "" else default
    return typer.Option(*names, help=f"{text} (default: {shown}).", **more)


@cache
def _defaults() -> dict[str, dict[str, object]]:
    # Not by edgetl.recipe, whose pydantic would take a quarter of the time that --help may take.
    return tomllib.loads(resources.files("edgetl").joinpath("resources", "defaults.toml").read_text(encoding="utf-8"))


def _want_json(wanted: bool) -> bool:
    if wanted:
        console.current().json = True
    return wanted


def _want_verbose(wanted: bool) -> bool:
    if wanted:
        console.current().verbose = True
    return wanted


Golden = Annotated[
    str,
    typer.Option(
        metavar="validation|synthetic|DIR",
        help="Take these images for an app's tests: validation images, images of a folder, or none beside the synthetic ones.",
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout, and all else on stderr.", callback=_want_json, is_eager=True)
]
Verbose = Annotated[
    bool,
    typer.Option("--verbose", help="Show details, and what native code writes, on stderr.", callback=_want_verbose, is_eager=True),
]
RunPath = Annotated[
    Path | None,
    typer.Argument(metavar="[RUN]", help="Use this run (default: the newest under runs/ that the command can use)."),
]
Images = Annotated[
    str,
    typer.Option(
        "--data",
        metavar="PATH",
        help="Read the run's images here, where the same ones lie now (default: where it recorded them).",
    ),
]
Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="Read images from a folder (CLASS/*, or train/, val/ and test/ that hold such folders), a CSV file, or a named set such as "
        "digits, see 'edgetl list sources'.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="RUN", help="Write the run into this folder (default: runs/NAME, the same for the same settings)."),
]
Mlflow = Annotated[
    str | None, setting("track.mlflow", "Track the run in MLflow: sqlite:///FILE, a folder, or a server's address", metavar="URI")
]
Quick = Annotated[bool, typer.Option("--quick", help="Use the recipe's [quick] settings: a short try with fewer epochs and images.")]
RecipeFile = Annotated[
    Path | None,
    typer.Option("--recipe", metavar="FILE.toml", help="Read settings from this file; options take precedence (default: none)."),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Set any setting, such as augment.flip=false, see 'edgetl list settings'; may be repeated."
    ),
]
Device = Annotated[
    str,
    typer.Option(
        metavar="DEVICE", help="Measure latency or memory on this device, see 'edgetl list devices'.", autocompletion=completed("devices")
    ),
]
Formats = Annotated[
    str,
    typer.Option(
        metavar="FORMAT,...",
        help="Write these formats, see 'edgetl list formats' (default: the recipe's).",
        autocompletion=completed("formats"),
    ),
]
Backbone = Annotated[
    str | None,
    setting(
        "model.backbone", "Use this feature extractor, see 'edgetl list backbones'", metavar="NAME", autocompletion=completed("backbones")
    ),
]
Alpha = Annotated[float | None, setting("model.alpha", "Multiply the backbone's width by this factor")]
ImageSize = Annotated[int | None, setting("model.image_size", "Resize images to this width and height in pixels")]
Weights = Annotated[
    str | None,
    setting(
        "model.weights",
        "Start from these weights; a model file brings its own network, in place of a backbone",
        metavar="imagenet|none|FILE",
    ),
]
Preprocessing = Annotated[
    str | None,
    setting(
        "imported.preprocessing",
        "Feed the network of a model file in this way, with :bgr behind it for blue first; auto: measured",
        metavar="auto|raw|zero-one|minus-one-one|imagenet|caffe|MEAN/STD",
    ),
]
BatchSize = Annotated[int | None, setting("train.batch_size", "Train on this many images per step")]
Task = Annotated[
    str | None,
    setting(
        "data.task",
        "Learn one class an image, or with multi-label all that a CSV file lists, which may be none",
        metavar="single-label|multi-label",
    ),
]
Seed = Annotated[int | None, setting("train.seed", "Seed splits, weights, shuffling and augmentation with this number")]
