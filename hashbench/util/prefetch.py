"""Prefetching: a thread computes an iterator's next item while the last one is used."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar, cast

import torch
from torch import Tensor

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


def prefetch_to(iterator: Iterator[Tensor], device: torch.device) -> Iterator[Tensor]:
    """:func:`prefetch` of tensors on ``device``.

    On a GPU the thread copies and computes on a stream of its own, so that its work does not stand behind the caller's.
    """
    if device.type != "cuda":
        yield from prefetch(iterator)
        return
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(device))  # for what the iterator reads
    for tensor, ready in prefetch(_on_stream(iterator, stream)):
        current = torch.cuda.current_stream(device)
        current.wait_event(ready)
        tensor.record_stream(current)  # its memory is not given away before the caller's work with it is done
        yield tensor
        del tensor  # as above


def _on_stream(iterator: Iterator[Tensor], stream: torch.cuda.Stream) -> Iterator[tuple[Tensor, torch.cuda.Event]]:
    """The items, computed on a stream, each with the event that it is there."""
    while True:
        with torch.cuda.stream(stream):
            tensor = next(iterator, None)
            if tensor is None:
                return
            ready = stream.record_event()
        yield tensor, ready
