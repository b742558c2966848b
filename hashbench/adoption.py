"""Files of the user's, taken over into the folder of a data set."""

from collections.abc import Mapping
from pathlib import Path

from hashbench.files import link_or_copy, put_in_place, staging_folder


def adopt(source: Path, files: Mapping[str, str], folder: Path) -> None:
    """Take ``{path in folder: path in source}`` over by hard link where that can be done, else by copy.

    They are staged beside ``folder`` and put in place one by one, each whole; what else is in ``folder`` stays.
    """
    if not files:
        return
    with staging_folder(folder.parent, folder.name) as stage:
        for target, file in files.items():
            (stage / target).parent.mkdir(parents=True, exist_ok=True)
            link_or_copy(source / file, stage / target)
        put_in_place(stage, folder)
