"""How a recipe's images are listed, read, split and added to: apart from the other settings, whose rooms take seconds to load."""

from pathlib import Path

from edgetl.data.base import Reading
from edgetl.data.images import LoadOptions
from edgetl.data.splits import Selection, SplitOptions
from edgetl.recipe import Recipe

_FEWEST_MADE, _MOST_MADE = 256, 4000  # unknown images: some of each kind of texture; more look alike


def reading(recipe: Recipe) -> Reading:
    """Return how a source on a disk is listed."""
    return Reading(layout=recipe.data.layout, follow_links=recipe.data.follow_links, spellings=recipe.data.spellings, task=recipe.data.task)


def split_options(recipe: Recipe) -> SplitOptions:
    """Return how images without a split of their own are split."""
    return SplitOptions(val_fraction=recipe.data.val_fraction, test_fraction=recipe.data.test_fraction, seed=recipe.train.seed)


def selection(recipe: Recipe) -> Selection:
    """Return which training images choose and are not learned from."""
    return Selection(fraction=recipe.data.selection_fraction, most=recipe.data.selection_images, seed=recipe.train.seed)


def load_options(recipe: Recipe, cache: Path) -> LoadOptions:
    """Return how images are read; `cache` is the folder for pixels that memory should not hold."""
    data = recipe.data
    return LoadOptions(split=split_options(recipe), max_bad_fraction=data.max_bad_fraction, memory_mib=data.cache_memory_mib, cache=cache)


def made_unknown(recipe: Recipe, images: int) -> int:
    """Return how many images of none of the classes are made for that many training images, where such are learned from."""
    wanted = round(recipe.reject.made * images)
    return min(max(wanted, _FEWEST_MADE), _MOST_MADE) if wanted else 0
