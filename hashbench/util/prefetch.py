"""Work ahead: the next item of an iterator is made in a thread while the last one is used."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar, cast

T = TypeVar("T")
END = object()


def prefetch(iterator: Iterator[T]) -> Iterator[T]:
    """The items of ``iterator`` in their order, each begun when the one before is handed out.

    Two items exist at a time: the one in use and the one being made. An exception of ``iterator`` comes where its item
    would have come. Whoever stops early waits for the item being made, and no further one is begun.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="hashbench-ahead") as thread:
        coming: Future[object] = thread.submit(next, iterator, END)
        while (item := coming.result()) is not END:
            coming = thread.submit(next, iterator, END)
            yield cast("T", item)
            del item  # not kept while the next one is waited for
