"""Files of the user's, taken over into the folder of a data set."""

from collections.abc import Mapping
from pathlib import Path

from hashbench.dataset import Log
from hashbench.util.files import link_or_copy, put_in_place, staging_folder
from hashbench.util.progress import Progress

BLOCK = 1000


def adopt(source: Path, files: Mapping[str, str], folder: Path, log: Log) -> None:
    """Take ``{path in folder: path in source}`` over by hard link where that can be done, else by copy.

    They are staged beside ``folder`` (which may be a link to another disk), 1,000 at a time, and put in place one by
    one, each whole; what else is in ``folder`` stays. ``log`` gets lines of progress.
    """
    home, names = folder.resolve(), list(files)
    progress = Progress(len(names), lambda line: log(f"adopting {source}: {line}"), "files")
    for start in range(0, len(names), BLOCK):
        block = names[start : start + BLOCK]
        with staging_folder(home.parent, home.name) as stage:
            for target in block:
                (stage / target).parent.mkdir(parents=True, exist_ok=True)
                link_or_copy(source / files[target], stage / target)
            put_in_place(stage, home)
        progress.done(len(block))
