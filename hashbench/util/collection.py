"""Work without the garbage collector, which would walk all that was read again and again and find nothing."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collection() -> Iterator[None]:
    """Without cyclic collection, for what makes many objects that stay and hardly any cycles: records, and reports.

    What no longer has a reference is freed as ever. Also a decorator.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def without_collection_for_good() -> Iterator[None]:
    """The same for a program's imports: no later collection walks what was made until the end, nor frees its cycles.

    For a process of hashbench's own alone: what else lives in a user's Python may become garbage.
    """
    with without_collection():
        yield
    gc.freeze()
