"""Image files in a tree of folders, found by the names that published lists give them."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from hashbench.errors import UsageError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")


def walk(folder: Path) -> Iterator[str]:
    """Every file under ``folder`` as its path from there, with slashes, folder by folder in alphabetical order.

    Links are followed, each folder once; hidden names are left out.

    Raises:
        UsageError: a folder under ``folder`` cannot be read, so its images would seem to be missing.
    """
    seen = set()
    for place, folders, files in os.walk(folder, onerror=_unreadable, followlinks=True):
        here = Path(place)
        status = here.stat()
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        prefix = "" if here == folder else f"{here.relative_to(folder).as_posix()}/"
        yield from (prefix + name for name in sorted(files) if not name.startswith("."))


def _unreadable(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise UsageError(f"the folder {error.filename} cannot be read ({error.strerror}); make it readable") from error


def locate(folder: Path, names: Sequence[str], places: Sequence[str]) -> list[str | None]:
    """Where under ``folder`` the images of a list are, None for those that are not there.

    Lists are written on other machines: a name is looked for whole, then without its first folder, and so on to its
    base name ("./data/nuswide_81/images/1.jpg", "images/1.jpg", "1.jpg"), each time in every one of ``places``.

    Args:
        folder: it is walked once, no matter how many names there are.
        names: distinct paths with slashes.
        places: prefixes in the order in which they are tried ("Flickr/", "images/", "").

    Raises:
        UsageError: one file would be the image of two names, or may be that of another name.
    """
    files = set(walk(folder))
    shared = Counter(end for name in names for end in _ends(name))
    found, owners = [_first(name, places, files) for name in names], dict[str, str]()
    for name, (file, end) in zip(names, found, strict=True):
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
    return [file for file, _ in found]


def _ends(name: str) -> list[str]:
    """The name, and what is left of it without its first folder, its first two, ..."""
    folders = name.split("/")
    return ["/".join(folders[start:]) for start in range(len(folders))]


def _first(name: str, places: Sequence[str], files: set[str]) -> tuple[str | None, str]:
    """The first file that may be the image, with the end of the name by which it was found."""
    for end in _ends(name):
        for place in places:
            if place + end in files:
                return place + end, end
    return None, name
