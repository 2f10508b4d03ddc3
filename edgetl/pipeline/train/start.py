"""The model that training starts from: a backbone with its weights under a new head."""

from dataclasses import asdict
from pathlib import Path

from edgetl.keras import keras

from edgetl.backbones.weights import load as weights
from edgetl.files import fingerprint, sha256
from edgetl.pipeline.project import Project
from edgetl.training.head import Head, attach_head


def starting_weights(project: Project) -> str:
    """Return the identity of the weights that training starts from."""
    if project.source:
        return fingerprint(asdict(project.source.facts))
    path = Path(project.recipe.model.weights)
    return sha256(path) if path.is_file() else project.recipe.model.weights


def starting_model(project: Project) -> keras.Model:
    """Return the backbone with the weights that training starts from, under a new head."""
    return with_head(project, starting_backbone(project))


def starting_backbone(project: Project) -> keras.Model:
    """Return the backbone with the weights that training starts from."""
    settings = project.recipe.model
    backbone = project.backbone.build(settings.alpha, settings.image_size)
    weights.load(backbone, project.backbone, settings.weights, settings.alpha, settings.image_size)
    return backbone


def with_head(project: Project, backbone: keras.Model) -> keras.Model:
    """Return a classifier of the backbone, itself and no copy, and the recipe's head."""
    head = Head(project.recipe.model.pooling, project.recipe.model.dense)
    return attach_head(backbone, len(project.contract.class_names), head)
