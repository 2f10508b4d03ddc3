"""A converted file with what it says of itself."""

from edgetl.export import FORMATS
from edgetl.export.base import About, Conversion
from edgetl.pipeline.project import Project
from edgetl.recipe_tables import AboutTable


def stamped(project: Project, conversion: Conversion, name: str) -> bytes:
    """Return the file of the format of this name as it is exported. Raises ExportError."""
    return FORMATS.load(name).stamp(conversion.file(name), project.contract, about(project, project.recipe.about))


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
