"""Where the weights to start from come from; never random ones unless they were asked for."""

import logging
from pathlib import Path

from edgetl.keras import keras

from edgetl.backbones.base import Backbone
from edgetl.backbones.weights import backbone_file
from edgetl.backbones.weights.pins import checked
from edgetl.errors import WeightsError
from edgetl.files import place_in

logger = logging.getLogger(__name__)

WEIGHTS_DIR = "EDGETL_WEIGHTS_DIR"  # environment variable: a folder with weights files by their publishers' names


def load(model: keras.Model, backbone: Backbone, weights: str, alpha: float, image_size: int) -> None:
    """Put weights into a built backbone.

    Args:
        weights: "imagenet", "none" (random, with a warning), or the path of a weights file: the publisher's, or of `edgetl pretrain`.
    """
    if weights == "none":
        logger.warning("starting from random weights, as asked: expect to need far more images and epochs")
        return
    check(weights)
    path = obtain(backbone, alpha, image_size) if weights == "imagenet" else Path(weights)
    try:
        if path.suffix == backbone_file.SUFFIX:
            backbone_file.load(path, model, alpha)
        else:
            backbone.load_weights(model, path)
    except (ValueError, TypeError, LookupError, OSError, RuntimeError, OverflowError) as error:  # HDF5's, of damaged files
        reason = str(error).splitlines()[0]
        raise WeightsError(
            f"{path} does not match this backbone at alpha {alpha}: {reason}", "use the weights of the same backbone and alpha, without top"
        ) from error
    logger.info(f"weights: {path.name}")


def check(weights: str) -> None:
    """Raise WeightsError, or UsageError, where `load` would find no file: before long work."""
    if weights == "imagenet":
        place_in(WEIGHTS_DIR)
    elif weights != "none" and not Path(weights).is_file():
        raise WeightsError(f"there is no weights file at {weights}", "--weights takes imagenet, none, or the path of a file")


def at_hand(backbone: Backbone, alpha: float, image_size: int) -> bool:
    """Return whether `obtain` finds the ImageNet weights without a download. Raises UsageError where the user's folder is not there."""
    folder = place_in(WEIGHTS_DIR)
    files = backbone.imagenet_files(alpha, image_size)
    return any((folder and (folder / file.name).is_file()) or file.installed() for file in files)


def obtain(backbone: Backbone, alpha: float, image_size: int) -> Path:
    """Return the file with the ImageNet weights, from the user's folder or by the backbone's own download.

    Raises WeightsError, or UsageError where the user's folder is not there.
    """
    files = backbone.imagenet_files(alpha, image_size)
    if not files:
        raise WeightsError(
            f"there are no ImageNet weights that edgetl can obtain for this backbone at alpha {alpha:g}",
            "do one of four things: use a backbone that has some, such as efficientnet_lite0; give a file of them with --weights PATH; "
            "pretrain it with 'edgetl pretrain DATA --out FILE' and name that file with --weights; start from --weights none",
        )
    folder = place_in(WEIGHTS_DIR)
    if folder:
        here = [folder / file.name for file in files if (folder / file.name).is_file()]
        if here:
            return here[0]
        logger.info(f"{files[0].name} is not in {folder}, which {WEIGHTS_DIR} names: the backbone's own are taken")
    try:
        return checked(files[0].obtain())
    except OSError as error:
        raise WeightsError(
            f"the ImageNet weights {files[0].name} could not be obtained: {error}",
            f"do one of three things: give the file with --weights PATH; set {WEIGHTS_DIR} to a folder that holds it under that name; "
            "use --backbone efficientnet_lite0, whose weights are installed with edgetl",
        ) from error
