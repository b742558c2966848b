"""Prefetching: a thread computes an iterator's next item while the last one is used."""

from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar, cast

import torch
from torch import Tensor

T = TypeVar("T")
Tensors = TypeVar("Tensors", bound=Tensor | tuple[Tensor | None, ...])
END = object()


def prefetch(iterator: Iterator[T]) -> Generator[T, None, None]:
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


def prefetch_to(iterator: Iterator[Tensors], device: torch.device) -> Generator[Tensors, None, None]:
    """:func:`prefetch` of tensors, or of tuples of them, on ``device``.

    On a GPU the thread copies and computes on a stream of its own, so that its work does not stand behind the caller's.
    """
    if device.type != "cuda":
        yield from prefetch(iterator)
        return
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(device))  # for what the iterator reads
    with closing(prefetch(_on_stream(iterator, stream))) as items:
        for item, ready in items:
            current = torch.cuda.current_stream(device)
            current.wait_event(ready)
            for tensor in item if isinstance(item, tuple) else (item,):
                if tensor is not None:
                    tensor.record_stream(current)  # its memory stays until the caller's work with it is done
                del tensor
            yield item
            del item  # as above


def prefetch_from(iterator: Iterator[T], device: torch.device) -> Generator[T, None, None]:
    """:func:`prefetch` of items, other than None, that ``device`` computes and that lie in the host's memory.

    On a GPU the thread computes on the caller's stream, so after all that the caller has asked of it. Elsewhere
    nothing is prefetched: the thread and its caller would share the cores.
    """
    if device.type != "cuda":
        yield from iterator
        return
    with closing(prefetch(_on_stream(iterator, torch.cuda.current_stream(device)))) as items:
        for item, _ in items:
            yield item
            del item  # as above


def _on_stream(iterator: Iterator[T], stream: torch.cuda.Stream) -> Iterator[tuple[T, torch.cuda.Event]]:
    """The items, computed on a stream, each with the event that it is there."""
    while True:
        with torch.cuda.stream(stream):
            item = next(iterator, None)
            if item is None:
                return
            ready = stream.record_event()
        yield item, ready
        del item
