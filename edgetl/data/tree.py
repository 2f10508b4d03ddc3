"""Walk a folder of images: past what other programs leave there, and through links only where they are wanted."""

import logging
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from edgetl.data.base import Link, Rejected, reason
from edgetl.data.formats import is_image_name
from edgetl.data.labels import as_text
from edgetl.errors import DataError, listed
from edgetl.wording import counted

logger = logging.getLogger(__name__)

FOLLOW = "to read what they lead to: --set data.follow_links=true"
LEADS_OUT = "a link that leads out of the data folder"
# What other programs leave among images; with a dot before its name, any program's.
_OF_SYSTEMS = ("__macosx", "icon\r", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information", "lost+found")
_OF_SERVERS = ("@eadir", "@recycle", "#recycle")  # Synology's and QNAP's disks
_FOREIGN = {*_OF_SYSTEMS, *_OF_SERVERS, "__pycache__"}
_PROGRAMS = (".ipynb_checkpoints", ".thumbnails", ".thumbs", ".trash", ".trashes", ".git", ".dvc", ".cache", ".tmp")  # they hold copies


def is_foreign(name: str) -> bool:
    """Return whether a file or folder belongs to another program: no class and no image, whatever it holds."""
    return name.startswith(".") or name.casefold() in _FOREIGN


def holds_images(folder: str | os.PathLike[str]) -> bool:
    """Return whether images lie directly in a folder, as their names say. Raises DataError when it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return any(is_image_name(entry.name) and not entry.name.startswith(".") for entry in entries)
    except OSError as error:
        _unreadable(error)


def images_below(folder: str) -> list[str]:
    """Return the paths of the images below a folder, sorted. Folders that are links, or cannot be read, are left out with a warning."""
    found: list[str] = []
    closed: list[str] = []
    for parent, folders, names in os.walk(folder, onerror=lambda error: closed.append(f"{as_text(error.filename)}: {reason(error)}")):
        folders[:] = [name for name in folders if not is_foreign(name)]
        paths = [os.path.join(parent, name) for name in folders]
        closed.extend([f"{as_text(path)}: a link to a folder, which is not followed" for path in paths if os.path.islink(path)])
        found += [os.path.join(parent, name) for name in names if is_image_name(name) and not is_foreign(name)]
    if closed:
        logger.warning(f"{counted(len(closed), 'subfolder')} left out:{listed(sorted(closed))}")
    return sorted(found)


class Tree:
    """A folder of images while it is listed; it remembers the links that it followed and what it passed over."""

    def __init__(self, root: Path, *, follow_links: bool) -> None:
        self.root, self.follow_links = root, follow_links
        self._real_root = os.path.realpath(root)
        self._followed: dict[str, str] = {}
        self._foreign: Counter[str] = Counter()
        self._hidden: set[str] = set()
        self._seen: set[Path] = set()

    @property
    def links(self) -> tuple[Link, ...]:
        """The folders that were reached by links; for linked files, their folder and the folder that all of them lie in."""
        return tuple(Link(name, as_text(target)) for name, target in sorted(self._followed.items()))

    def name(self, path: str | os.PathLike[str]) -> str:
        """Return a path below the root as the listing names it."""
        return as_text(Path(path).relative_to(self.root).as_posix())

    def entries(self, folder: Path) -> list["os.DirEntry[str]"]:
        """Return what is in a folder, sorted, without what belongs to other programs. Raises DataError when it cannot be read."""
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            _unreadable(error)
        if folder not in self._seen:
            self._seen.add(folder)
            self._foreign.update("._*" if entry.name.startswith("._") else entry.name for entry in entries if is_foreign(entry.name))
        return [entry for entry in entries if not is_foreign(entry.name)]

    def folders(self, parent: Path) -> list[Path]:
        """Return the class or split folders in a folder. Raises DataError when one of them is a link, unless links are followed."""
        entries = self.entries(parent)
        self._note_hidden(parent)
        links = [entry for entry in entries if entry.is_symlink() and _may_be_folder(entry)]
        broken = [entry for entry in links if not is_folder(entry)]
        if (links and not self.follow_links) or broken:
            named = listed([f"{self.name(entry)} -> {as_text(os.path.realpath(entry))}" for entry in broken or links])
            raise DataError(
                f"{as_text(self.root)}: links where folders of images are expected{', which point nowhere' * bool(broken)}:{named}",
                "restore what they lead to, or remove them" if broken else f"{FOLLOW}; or put the folders themselves there",
            )
        for entry in links:
            self._followed[self.name(entry)] = os.path.realpath(entry)
        return [Path(entry) for entry in entries if is_folder(entry)]

    def files(self, folder: Path) -> Iterator[Path | Rejected]:
        """Yield all files below a folder, and what is left out: links to folders or out of the root, unless they are followed."""
        waiting: list[tuple[Path, frozenset[str]]] = [(folder, frozenset())]
        while waiting:  # no recursion: folders can be deeper than Python's stack
            parent, entered = waiting.pop()
            for entry in self.entries(parent):
                path = Path(entry)
                if not entry.is_symlink():
                    if is_folder(entry):
                        waiting.append((path, entered))
                    else:
                        yield path
                    continue
                target, to_folder = os.path.realpath(entry), is_folder(entry)
                if not to_folder and is_within(target, self._real_root):
                    yield path
                elif not self.follow_links:
                    kind = "a link to a folder, which is not followed" if to_folder else LEADS_OUT
                    yield Rejected(self.name(path), kind, bad=False)
                elif not to_folder:
                    self._follow_file(parent, target)
                    yield path
                elif target in entered or is_within(os.path.realpath(parent), target):
                    yield Rejected(self.name(path), "a link to a folder that holds it", bad=False)
                else:
                    self._followed[self.name(path)] = target
                    waiting.append((path, entered | {target}))

    def report(self) -> None:
        """Log, once, what belongs to other programs, and the hidden folders with images, which may be classes."""
        if self._foreign:
            named = [f"{as_text(name)!r}" + f" ({count} times)" * (count > 1) for name, count in self._foreign.most_common()]
            logger.info(f"passed over what is hidden, and what other programs leave among images:{listed(named)}")
        if self._hidden:
            logger.warning(f"hidden folders with images are left out; rename what is a class:{listed(sorted(self._hidden))}")

    def _note_hidden(self, parent: Path) -> None:
        with os.scandir(parent) as entries:
            hidden = [entry for entry in entries if entry.name.startswith(".") and not entry.name.casefold().startswith(_PROGRAMS)]
        for entry in hidden:
            with suppress(DataError):  # one that cannot be read is not a class
                if is_folder(entry) and holds_images(entry):
                    self._hidden.add(self.name(entry))

    def _follow_file(self, parent: Path, target: str) -> None:
        name, folder = self.name(parent), os.path.dirname(target)
        before = self._followed.get(name, folder)
        self._followed[name] = os.path.commonpath([before, folder])


def is_within(path: str, folder: str) -> bool:
    """Return whether a path is a folder or lies below it; both are absolute and normalized."""
    return os.path.commonpath([path, folder]) == folder


def is_folder(entry: "os.DirEntry[str]") -> bool:
    """Return whether an entry is a folder or a link to one."""
    return os.path.isdir(entry) if entry.is_symlink() else entry.is_dir()  # DirEntry raises OSError for links in a circle


def _may_be_folder(entry: "os.DirEntry[str]") -> bool:
    """Return whether a link leads to a folder, or nowhere, under a name that is not an image's."""
    return is_folder(entry) or not (os.path.exists(entry) or is_image_name(entry.name))


def _unreadable(error: OSError) -> NoReturn:
    raise DataError(f"cannot read the folder {as_text(error.filename)}: {reason(error)}", "check its permissions") from error
