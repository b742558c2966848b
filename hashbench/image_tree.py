"""Image files in a tree of folders, found by the names that published lists give them."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from hashbench.errors import UsageError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")


def walk(folder: Path) -> Iterator[str]:
    """Every file under ``folder`` as its path from there, with slashes, folder by folder in alphabetical order.

    Links are followed, each folder once; hidden names are left out.
    """
    seen = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        here = Path(place)
        status = here.stat()
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        prefix = "" if here == folder else f"{here.relative_to(folder).as_posix()}/"
        yield from (prefix + name for name in sorted(files) if not name.startswith("."))


def locate(folder: Path, names: Sequence[str], places: Sequence[str]) -> list[str | None]:
    """Where under ``folder`` the images of a list are, None for those that are not there.

    Lists are written on other machines: a name is looked for whole, then without its first folder, and so on to its
    base name ("./data/nuswide_81/images/1.jpg", "images/1.jpg", "1.jpg"), each time in every one of ``places``.

    Args:
        folder: it is walked once, no matter how many names there are.
        names: distinct paths with slashes.
        places: prefixes in the order in which they are tried ("Flickr/", "images/", "").

    Raises:
        UsageError: one file would be the image of two names.
    """
    files = set(walk(folder))
    found = [_first(name, places, files) for name in names]
    owners: dict[str, str] = {}
    for name, file in zip(names, found, strict=True):
        if file is not None and owners.setdefault(file, name) != name:
            raise UsageError(
                f"{folder / file} would be the image of both {owners[file]!r} and {name!r}; "
                "keep the images in the folders that the list names"
            )
    return found


def _first(name: str, places: Sequence[str], files: set[str]) -> str | None:
    while True:
        for place in places:
            if place + name in files:
                return place + name
        _, slash, name = name.partition("/")
        if not slash:
            return None
