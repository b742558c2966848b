"""Features in the cache that no trial of today's can read."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from hashbench.errors import UsageError
from hashbench.features.cache import FORMAT
from hashbench.features.frozen_maps import FrozenMaps
from hashbench.features.parts import DamagedError, PartedArray
from hashbench.features.spec import extractor_class
from hashbench.util.lease import leases
from hashbench.util.leftovers import Leftover


def unreadable_features(cache: Path) -> list[Leftover]:
    """Features of an earlier format, or of an earlier version of what computes them, and damaged ones.

    What is being extracted, and what a newer hashbench made, is left out.
    """
    root = cache / "features"
    folders = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    return list(_unreadable(folders))


def _unreadable(folders: list[Path]) -> Iterator[Leftover]:
    for folder in folders:
        if all(lease.is_abandoned() for lease in leases(folder)) and (reason := _reason(folder)):
            yield Leftover.of(folder, reason)


def _reason(folder: Path) -> str | None:
    try:
        array = PartedArray.open(folder)
    except DamagedError:
        return "features whose journal is damaged"
    return "features of an extraction that was killed at once" if array is None else _earlier(array.made_from)


def _earlier(made_from: Mapping[str, str | None]) -> str | None:
    name, of = str(made_from.get("extractor")), f"features {made_from.get('extractor')} of {made_from.get('dataset')}"
    for what, then, now in (
        ("format", made_from.get("format"), int(FORMAT)),
        ("version", made_from.get("version"), _version(name)),
    ):
        if now is not None and str(then).isdigit() and int(str(then)) < now:
            return f"{of}, of {what} {then}, today's is {now}"
    return None


def _version(name: str) -> int | None:
    """Today's version of what computes them; None for what is not here."""
    if re.search(r"-blocks-\d+$", name):
        return FrozenMaps.version
    try:
        return extractor_class(name).version
    except UsageError:
        return None
