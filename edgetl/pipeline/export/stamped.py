"""A converted file with what it says of itself."""

from edgetl.export import FORMATS
from edgetl.export.base import About, Conversion
from edgetl.pipeline.project import Project
from edgetl.recipe_tables import AboutTable


def stamped(project: Project, conversion: Conversion, name: str) -> bytes:
    """Return the file of the format of this name as it is exported, with the recipe's batch where it can have it. Raises ExportError."""
    form = FORMATS.load(name)
    batch = form.batch(project.recipe.export.batch)
    content = conversion.file(name) if batch == 1 or form.in_batches is None else form.in_batches(conversion, batch)
    return form.stamp(content, project.contract.in_batches(batch), about(project, project.recipe.about))


def about(project: Project, said: AboutTable) -> About:
    """Return what a model file says of itself, where `said` has the fields of the recipe's table."""
    architecture, classes = project.recipe.network, len(project.contract.class_names)
    return About(
        name=said.name or architecture,
        version=said.version,
        licence=said.licence,
        author=said.author,
        description=f"Names one of {classes} classes: {architecture}",
    )
