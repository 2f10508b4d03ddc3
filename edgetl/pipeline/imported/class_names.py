"""Name the outputs of a network from elsewhere."""

import logging
from collections.abc import Sequence
from pathlib import Path

from edgetl.errors import UsageError, listed
from edgetl.wording import counted, quoted

logger = logging.getLogger(__name__)

_NAME_ALL = "name all outputs with --class-names FILE, one a line in their order, the names of the folders among them"
_LARGEST_BYTES = 1 << 20  # of a file of class names: 20,000 long ones


def class_names_of(file: str, inside: Sequence[str], folders: tuple[str, ...], outputs: int) -> tuple[str, ...]:
    """Return the classes in the order of the outputs: of a file, else of the model file's metadata, else of the folders, else numbers.

    Args:
        file: a class name a line; empty: none was given.
        inside: names that the model file has.
        folders: those of the labelled images, sorted; none: there are no labels.

    Raises UsageError where they are not as many as there are outputs, or the images are of others.
    """
    if not folders:
        return _without_folders(file, inside, outputs)
    if file:
        names = _named_by(Path(file), folders, outputs)
    elif len(set(inside)) == len(inside) == outputs and set(folders) <= set(inside):
        names = tuple(inside)
    elif len(folders) == outputs:
        names = folders
        if inside:
            own = ", ".join(quoted(inside[:5]))
            logger.warning(f"the file's own class names ({own} ...) are not the images': the order of the folders is taken")
    else:
        raise UsageError(
            f"the network has {counted(outputs, 'output')}, the images are of {counted(len(folders), 'class')}",
            (_NAME_ALL if len(folders) < outputs else "give images of the classes that the network knows")
            + "; or use these without their labels: --set data.layout=unlabelled",
        )
    if absent := [name for name in names if name not in folders]:
        logger.warning(f"there are images of {len(folders)} of the network's {counted(outputs, 'class')}, and none of:{listed(absent)}")
    return names


def _named_by(file: Path, folders: Sequence[str], outputs: int) -> tuple[str, ...]:
    """Return the names of a file. Raises UsageError where they do not name each output once, and the folders among them."""
    names = _lines(file)
    remedy = "write a name a line, in the order of the network's outputs; those of classes that there are images of are the folders'"
    if len(names) != outputs:
        raise UsageError(f"{file} has {counted(len(names), 'class name')}, the network {counted(outputs, 'output')}", remedy)
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"{file} has the same name for several outputs:{listed(twice)}", remedy)
    if unknown := [name for name in folders if name not in names]:
        raise UsageError(f"{file} lacks the names of folders:{listed(unknown)}", remedy)
    return names


def _without_folders(file: str, inside: Sequence[str], outputs: int) -> tuple[str, ...]:
    names = _lines(Path(file)) if file else tuple(inside)
    if not names:
        logger.info(f"the classes are named by their numbers, class 0 to class {outputs - 1}; --class-names FILE gives them names")
        return tuple(f"class {number}" for number in range(outputs))
    if len(names) != outputs and file:
        raise UsageError(f"{file} has {counted(len(names), 'class name')}, the network {counted(outputs, 'output')}", "name each")
    if len(names) != outputs:
        logger.warning(f"the file has {counted(len(names), 'class name')} for {counted(outputs, 'output')}: they are not used")
        return _without_folders("", (), outputs)
    if more := sorted({name for name in names if names.count(name) > 1}):
        logger.warning(f"several classes have the same name; their numbers follow it:{listed(more)}")
    return tuple(f"{name} ({number})" if name in more else name for number, name in enumerate(names))


def _lines(path: Path) -> tuple[str, ...]:
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_BYTES).decode("utf-8-sig")
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the class names in {path}: {error}", "give a text file in UTF-8, a class name a line") from error
    return tuple(line.strip() for line in text.split("\n") if line.strip())
