"""Pretrain a backbone of one's own on one set of images, to start from on another."""

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from edgetl.backbones.weights import backbone_file
from edgetl.errors import UsageError
from edgetl.files import atomic
from edgetl.pipeline.project import Project
from edgetl.pipeline.train.classifier import float_schedule, train_classifier
from edgetl.pipeline.train.stages import prepare
from edgetl.pipeline.train.start import starting_backbone, with_head
from edgetl.recipe import Recipe
from edgetl.run_folder import PRETRAINED
from edgetl.run_record import FloatFacts


def pretrain(project: Project, out: Path | None) -> Path:
    """Train a classifier on the project's images and keep only its backbone; returns the file, which is a copy of the run's own.

    Raises UsageError among several workers, and for gray images.
    """
    if project.recipe.model.channels == "gray":
        problem = "a backbone is pretrained on colours: one of gray images starts from the same file, which is then made gray"
        raise UsageError(problem, "leave model.channels out here, and give it to 'edgetl train'")
    if project.team.workers > 1:
        raise UsageError(
            "a backbone is pretrained in one process", "unset TF_CONFIG, or use --set train.strategy=mirrored for all GPUs of this one"
        )
    with project.run.writing(), project.data.learning():
        inputs = prepare(project)
        project.stage("backbone", inputs, partial(_backbone, project, inputs))
    if out is None:
        return project.run.backbone
    with atomic(out) as temporary:
        shutil.copyfile(project.run.backbone, temporary)
    return out


def make_backbone(recipe: Recipe, out: Path) -> None:
    """Pretrain a backbone by a recipe, in a run of its own under runs/pretrained, unless that is done."""
    pretrain(Project.create(recipe, None, PRETRAINED), out)


def _backbone(project: Project, inputs: str) -> tuple[Sequence[Path], FloatFacts]:
    backbone = starting_backbone(project)  # with its batch norms: what starts from it may want to train them
    schedule = float_schedule(project, "backbone", inputs)
    facts = train_classifier(project, with_head(project, backbone), schedule)
    model, images = project.recipe.model, project.data.images
    header = {
        "backbone": model.backbone,
        "alpha": model.alpha,
        "image_size": model.image_size,
        "images": {"fingerprint": images.fingerprint, "train": len(images.rows("train")), "classes": list(images.class_names)},
        "val_accuracy": facts.kept.val_accuracy if facts.kept else None,
        "inputs": inputs,
    }
    backbone_file.save(project.run.backbone, backbone, header)
    schedule.finish()
    return [project.run.backbone], facts
