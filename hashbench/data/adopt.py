"""Copies or links the user's files into the folder of a data set."""

from collections.abc import Mapping
from pathlib import Path

from hashbench.util.files import link_or_copy, put_in_place, staging_folder
from hashbench.util.progress import Log, Progress

CHUNK_FILES = 1000


def adopt(source: Path, files: Mapping[str, str], folder: Path, log: Log) -> None:
    """Link (hard link) or, where the file system cannot, copy files from ``source`` into ``folder``.

    They are staged beside ``folder`` (which may be a link to another disk), 1,000 at a time, and renamed one by one, so
    that each is whole. Other files in ``folder`` stay.

    Args:
        source: the folder with the user's files.
        files: {path in ``folder``: path in ``source``}.
        folder: the data set's folder.
        log: gets lines of progress.
    """
    home, names = folder.resolve(), list(files)
    progress = Progress(len(names), lambda line: log(f"adopting {source}: {line}"), "files")
    for start in range(0, len(names), CHUNK_FILES):
        chunk = names[start : start + CHUNK_FILES]
        with staging_folder(home.parent, home.name) as stage:
            for target in chunk:
                (stage / target).parent.mkdir(parents=True, exist_ok=True)
                link_or_copy(source / files[target], stage / target)
            put_in_place(stage, home)
        progress.done(len(chunk))
