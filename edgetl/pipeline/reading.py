"""How a recipe's source is listed: apart from the other settings, whose rooms take seconds to load."""

from edgetl.data.base import Reading
from edgetl.recipe import Recipe


def reading(recipe: Recipe) -> Reading:
    """Return how a source on a disk is listed."""
    return Reading(layout=recipe.data.layout, follow_links=recipe.data.follow_links, spellings=recipe.data.spellings, task=recipe.data.task)
