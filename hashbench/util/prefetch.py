"""Prefetching: a thread computes an iterator's next item while the last one is used."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar, cast

T = TypeVar("T")
END = object()


def prefetch(iterator: Iterator[T]) -> Iterator[T]:
    """The items of ``iterator`` in order, each computed in a thread while the one before is used.

    Two items exist at a time. An exception of ``iterator`` is raised instead of its item. A caller that stops early
    waits for the item being computed; no other is begun.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="hashbench-prefetch") as thread:
        next_item: Future[object] = thread.submit(next, iterator, END)
        while (item := next_item.result()) is not END:
            next_item = thread.submit(next, iterator, END)
            yield cast("T", item)
            del item  # frees its memory before the wait for the next one
