"""Extractors by name: "gist", "pixels", "pixels@16"."""

from collections.abc import Callable
from dataclasses import dataclass

from hashbench.errors import UsageError, unknown
from hashbench.features.extractor import Extractor
from hashbench.features.gist import Gist
from hashbench.features.pixels import Pixels


@dataclass(frozen=True)
class Entry:
    """How a named extractor is made.

    Attributes:
        make: takes the size asked for, or None.
        sizes: which sides in pixels may be asked for; empty where the extractor has one of its own.
    """

    make: Callable[[int | None], Extractor]
    sizes: range = range(0)


EXTRACTORS = {
    "gist": Entry(lambda _: Gist()),
    "pixels": Entry(Pixels, sizes=range(1, 1025)),
}


def names() -> list[str]:
    """All names, sorted."""
    return sorted(EXTRACTORS)


def extractor(spec: str) -> Extractor:
    """The extractor that ``spec`` means: a name, or a name and the side of its input in pixels, "pixels@16".

    Raises:
        UsageError: unknown name, or a size that the extractor does not take.
    """
    name, at, size = spec.partition("@")
    if name not in EXTRACTORS:
        raise unknown("features", name, EXTRACTORS)
    entry = EXTRACTORS[name]
    if not at:
        return entry.make(None)
    if not entry.sizes:
        raise UsageError(f"features {spec!r}: {name} has a size of its own; write {name!r}")
    if not (size.isascii() and size.isdigit() and int(size) in entry.sizes):
        span = f"{entry.sizes[0]} to {entry.sizes[-1]} pixels"
        raise UsageError(f"features {spec!r}: size is {size!r}, wanted {span}, as in '{name}@32'")
    return entry.make(int(size))
