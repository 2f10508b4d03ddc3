"""The model that training starts from: a backbone with its weights, or the network of a file, under a new head."""

from dataclasses import asdict
from pathlib import Path

from edgetl.keras import keras

from edgetl.backbones import keras_file
from edgetl.backbones.gray import in_channels
from edgetl.backbones.weights import load as weights
from edgetl.files import fingerprint, sha256
from edgetl.float_record import NetworkFacts
from edgetl.pipeline.project import Project
from edgetl.training.head import Head, attach_head

NETWORK = "network"  # the stage that keeps the network of a file


def starting_weights(project: Project) -> str:
    """Return the identity of the weights that training starts from."""
    if project.source:
        return fingerprint(asdict(project.source.facts))
    if project.recipe.model.imported:
        return fingerprint(asdict(project.run.facts(NETWORK, NetworkFacts).imported))
    path = Path(project.recipe.model.weights)
    return sha256(path) if path.is_file() else project.recipe.model.weights


def starting_model(project: Project) -> keras.Model:
    """Return the backbone with the weights that training starts from, under a new head."""
    return with_head(project, starting_backbone(project))


def starting_backbone(project: Project) -> keras.Model:
    """Return the backbone with the weights that training starts from; in its place the network of a file, as the run keeps it.

    Raises UsageError where the run has neither: it was imported with its classifier.
    """
    settings = project.recipe.model
    if settings.imported and NETWORK in project.run.read().stages:
        project.run.intact(NETWORK)
        return keras_file.load(project.run.network)
    backbone = project.backbone.build(settings.alpha, settings.image_size)
    weights.load(backbone, project.backbone, settings.weights, settings.alpha, settings.image_size)
    return in_channels(backbone, settings.channels)


def with_head(project: Project, backbone: keras.Model) -> keras.Model:
    """Return a classifier of the backbone, itself and no copy, and the recipe's head."""
    head = Head(project.recipe.model.pooling, project.recipe.model.dense)
    return attach_head(backbone, len(project.contract.class_names), head)
