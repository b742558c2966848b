"""Finds image files in a tree of folders by the names that published lists give them."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from hashbench.errors import UsageError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")


def walk(folder: Path) -> Iterator[str]:
    """Every file under ``folder`` as its path from there, with slashes, folder by folder in alphabetical order.

    Follows links, each folder once; leaves out hidden names.

    Raises:
        UsageError: a folder under ``folder`` cannot be read: its images would seem to be missing.
    """
    visited = set()
    for current, folders, files in os.walk(folder, onerror=_unreadable, followlinks=True):
        here = Path(current)
        status = here.stat()
        if (status.st_dev, status.st_ino) in visited:
            folders.clear()
            continue
        visited.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        prefix = "" if here == folder else f"{here.relative_to(folder).as_posix()}/"
        yield from (prefix + name for name in sorted(files) if not name.startswith("."))


def _unreadable(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise UsageError(f"the folder {error.filename} cannot be read ({error.strerror}); make it readable") from error


def locate(folder: Path, names: Sequence[str], prefixes: Sequence[str]) -> list[str | None]:
    """The paths under ``folder`` of a list's images, None for those that are missing.

    Lists come from other machines. Each name is tried whole, then without its first folder, and so on to its base name
    ("./data/nuswide_81/images/1.jpg", "images/1.jpg", "1.jpg"), each time behind every one of ``prefixes``.

    Args:
        folder: is walked once, however many names there are.
        names: distinct paths with slashes.
        prefixes: folders in the order in which they are tried ("Flickr/", "images/", "").

    Raises:
        UsageError: one file would be the image of two names, or may be that of another name.
    """
    files = set(walk(folder))
    shared = Counter(end for name in names for end in _ends(name))
    matches, owners = [_first(name, prefixes, files) for name in names], dict[str, str]()
    for name, (file, end) in zip(names, matches, strict=True):
        if file is None:
            continue
        other = owners.setdefault(file, name)
        if end != name and shared[end] > 1:
            other = next(another for another in names if another != name and end in _ends(another))
        if other != name:
            raise UsageError(
                f"{folder / file} would be the image of both {other!r} and {name!r}; "
                "keep the images in the folders that the list names"
            )
    return [file for file, _ in matches]


def _ends(name: str) -> list[str]:
    """The name itself, the name without its first folder, without its first two, ..."""
    folders = name.split("/")
    return ["/".join(folders[start:]) for start in range(len(folders))]


def _first(name: str, prefixes: Sequence[str], files: set[str]) -> tuple[str | None, str]:
    """The first file that may be the image (None if there is none), and the part of the name that matched."""
    for end in _ends(name):
        for prefix in prefixes:
            if prefix + end in files:
                return prefix + end, end
    return None, name
