"""Finds image files in a tree of folders by the names that published lists give them."""

import os
import posixpath
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hashbench.errors import UsageError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class NearMiss:
    """A likely reason why images are missing.

    Attributes:
        cause: in what files on disk differ from names on the list.
        count: for how many of the missing images there is such a file.
        listed: one of these names.
        on_disk: the file that it may mean.
    """

    cause: str
    count: int
    listed: str
    on_disk: str


def walk(folder: Path) -> Iterator[str]:
    """Every file under ``folder`` as its path from there, with slashes, folder by folder in alphabetical order.

    Follows links, each folder once; leaves out hidden names, links to nothing, and what is no file (pipes, say).

    Raises:
        UsageError: a folder under ``folder`` cannot be read: its images would seem to be missing.
    """
    yield from _walk(os.fspath(folder), "", set())


def _walk(folder: str, prefix: str, visited: set[tuple[int, int]]) -> Iterator[str]:
    try:
        status = os.stat(folder)  # noqa: PTH116
        with os.scandir(folder) as found:
            entries = sorted((each for each in found if not each.name.startswith(".")), key=lambda each: each.name)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"the folder {folder} cannot be read ({error.strerror}); make it readable") from error
    if (status.st_dev, status.st_ino) in visited:
        return
    visited.add((status.st_dev, status.st_ino))
    yield from (prefix + each.name for each in entries if is_file(each))
    for each in entries:
        if os.path.isdir(each.path) if each.is_symlink() else each.is_dir():  # noqa: PTH112 - False for a loop
            yield from _walk(each.path, f"{prefix}{each.name}/", visited)


def is_file(entry: os.DirEntry[str]) -> bool:
    """Whether it is a file, or a link to one."""
    return os.path.isfile(entry.path) if entry.is_symlink() else entry.is_file()  # noqa: PTH113 - False for a loop


def locate(folder: Path, names: Sequence[str], prefixes: Sequence[str]) -> list[str | None]:
    """The paths under ``folder`` of a list's images, None for those that are missing.

    Lists come from other machines. Each name is tried whole, then without its first folder, and so on to its base name
    ("./data/nuswide_81/images/1.jpg", "images/1.jpg", "1.jpg"), each time behind every one of ``prefixes``; backslashes
    are tried as slashes where the name itself is not there. Names are equal that differ in their Unicode form alone.

    Args:
        folder: is walked once, however many names there are.
        names: distinct paths with slashes.
        prefixes: folders in the order in which they are tried ("Flickr/", "images/", "").

    Raises:
        UsageError: one file would be the image of two names, or may be that of another name.
    """
    files = _by_name(walk(folder))
    spelt = [_spelt(name, prefixes, files) for name in names]
    shared = Counter(end for name in spelt for end in _ends(name))
    matches, owners = [_first(name, prefixes, files) for name in spelt], dict[str, str]()
    for name, plain, (file, end) in zip(names, spelt, matches, strict=True):
        if file is None:
            continue
        other = owners.setdefault(file, name)
        if end != plain and shared[end] > 1:
            other = next(
                another for another, form in zip(names, spelt, strict=True) if another != name and end in _ends(form)
            )
        if other != name:
            raise _two_names(folder / file, other, name)
    return [file for file, _ in matches]


def find(folder: Path, names: Sequence[str]) -> list[str | None]:
    """The paths under ``folder`` of images that are named from there, None for those that are missing.

    Where a name is not there, backslashes are tried as slashes, then other Unicode forms (é as one character or two).

    Raises:
        UsageError: one file would be the image of two names.
    """
    base = os.fspath(folder)
    found = [next((form for form in _forms(name) if _is_file(base, form)), None) for name in names]
    if any(file is None and not name.isascii() for name, file in zip(names, found, strict=True)):
        files = _by_name(walk(folder))  # a name of mixed forms
        found = [
            files.get(normal(name.replace("\\", "/"))) if file is None else file
            for name, file in zip(names, found, strict=True)
        ]
    owners: dict[str, str] = {}
    for name, file in zip(names, found, strict=True):
        if file is not None and (other := owners.setdefault(file, name)) != name:
            raise _two_names(folder / file, other, name)
    return found


def normal(name: str) -> str:
    """The name in the Unicode form NFC, in which equal names have equal characters."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def near_misses(folder: Path, names: Iterable[str], used: set[str]) -> list[NearMiss]:
    """Likely reasons why the images called ``names`` are missing from ``folder``, those of most images first.

    A file counts if it differs in letter case, lies in another folder, or has another ending.

    Args:
        folder: where the images should be.
        names: of missing images.
        used: files under ``folder`` that are images of other names.
    """
    names = list(names)
    by_base, by_stem = dict[str, str](), dict[str, str]()
    for file in walk(folder) if names else ():
        if file not in used:
            base = posixpath.basename(normal(file)).casefold()
            by_base.setdefault(base, file)
            by_stem.setdefault(posixpath.splitext(base)[0], file)
    examples, counts = dict[str, tuple[str, str]](), Counter[str]()
    for name in names:
        path = normal(name.replace("\\", "/"))
        base = posixpath.basename(path)
        near = by_base.get(base.casefold()) or by_stem.get(posixpath.splitext(base.casefold())[0])
        if near is None:
            continue
        on_disk = normal(near)
        if posixpath.basename(on_disk).casefold() != base.casefold():
            cause = "another ending"
        elif posixpath.basename(on_disk) == base and on_disk.casefold() != path.casefold():
            cause = "another folder"
        else:
            cause = "letter case"
        counts[cause] += 1
        examples.setdefault(cause, (name, near))
    return [NearMiss(cause, count, *examples[cause]) for cause, count in counts.most_common()]


def _by_name(files: Iterable[str]) -> dict[str, str]:
    """Files by their names in normal form; of two that share one, that which has this form itself."""
    found: dict[str, str] = {}
    for file in files:
        name = normal(file)
        if name == file or name not in found:
            found[name] = file
    return found


def _forms(name: str) -> list[str]:
    slashed = name.replace("\\", "/")
    forms = [name, slashed]
    if not name.isascii():
        forms += [unicodedata.normalize(form, slashed) for form in ("NFC", "NFD")]
    return list(dict.fromkeys(forms))


def _is_file(folder: str, name: str) -> bool:
    return os.path.isfile(os.path.join(folder, name))  # noqa: PTH113, PTH118 - False for names that no file can have


def _two_names(file: Path, first: str, second: str) -> UsageError:
    return UsageError(
        f"{file} would be the image of both {first!r} and {second!r}; "
        "keep the images in the folders that the list names"
    )


def _spelt(name: str, prefixes: Sequence[str], files: dict[str, str]) -> str:
    """The name in normal form, with slashes for backslashes unless a file has these in its name."""
    name = normal(name)
    return name if "\\" not in name or _first(name, prefixes, files)[0] else name.replace("\\", "/")


def _ends(name: str) -> list[str]:
    """The name itself, the name without its first folder, without its first two, ..."""
    folders = name.split("/")
    return ["/".join(folders[start:]) for start in range(len(folders))]


def _first(name: str, prefixes: Sequence[str], files: dict[str, str]) -> tuple[str | None, str]:
    """The first file that may be the image (None if there is none), and the part of the name that matched."""
    for end in _ends(name):
        for prefix in prefixes:
            if prefix + end in files:
                return files[prefix + end], end
    return None, name
