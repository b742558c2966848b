"""Work ahead: the next item is made while the last one is used."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from hashbench.util.prefetch import prefetch, prefetch_from, prefetch_to


def test_items_come_in_order() -> None:
    assert list(prefetch(iter(range(100)))) == list(range(100))
    assert list(prefetch(iter([]))) == []
    assert list(prefetch(iter([None, 0]))) == [None, 0]


def test_the_next_item_is_made_while_one_is_used() -> None:
    made = [threading.Event() for _ in range(4)]

    def items() -> Iterator[int]:
        for number, event in enumerate(made):
            event.set()
            yield number

    for number in prefetch(items()):
        if number < 3:
            assert made[number + 1].wait(60)
        if number < 2:
            assert not made[number + 2].wait(0.02)


def test_an_exception_comes_where_its_item_would_have_come() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise KeyError("two")

    prefetched = prefetch(items())
    assert next(prefetched) == 1
    with pytest.raises(KeyError, match="two"):
        next(prefetched)


def test_who_stops_early_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    prefetched = prefetch(iter(range(10**9)))
    assert next(prefetched) == 0
    (thread,) = set(threading.enumerate()) - before
    assert thread.name.startswith("hashbench-prefetch")
    prefetched.close()
    assert not thread.is_alive()


def test_tensors_for_the_cpu_come_as_they_are() -> None:
    tensors = [torch.tensor(number) for number in range(3)]
    assert all(map(torch.Tensor.equal, prefetch_to(iter(tensors), torch.device("cpu")), tensors))


class Stream:
    """A stream that writes down what it is asked."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log

    def record_event(self) -> str:
        self.log.append(f"{self.name} records")
        return "event"

    def wait_event(self, event: str) -> None:
        self.log.append(f"{self.name} waits for {event}")

    def wait_stream(self, other: "Stream") -> None:
        self.log.append(f"{self.name} waits for {other.name}")

    def __enter__(self) -> None:
        self.log.append(f"{self.name} begins")

    def __exit__(self, *_: object) -> None:
        self.log.append(f"{self.name} ends")


@pytest.mark.parametrize("several", [False, True])
def test_a_gpus_tensors_are_made_on_a_stream_that_the_callers_waits_for(
    several: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[str] = []
    own, current = Stream("own", log), Stream("current", log)
    monkeypatch.setattr(torch.cuda, "Stream", lambda _: own)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _: current)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: stream)
    monkeypatch.setattr(torch.Tensor, "record_stream", lambda _, stream: log.append(f"kept for {stream.name}"))
    tensor = torch.tensor(7)
    item = (tensor, None, tensor) if several else tensor

    def items() -> Iterator[Any]:
        log.append("made")
        yield item

    assert [made is item for made in prefetch_to(items(), torch.device("cuda"))] == [True]
    assert [line for line in log if not line.startswith(("current", "kept"))] == [
        *("own waits for current", "own begins", "made", "own records", "own ends"),
        *("own begins", "own ends"),  # nothing is left
    ]
    assert [line for line in log if line.startswith(("current", "kept"))] == [
        "current waits for event",
        *["kept for current"] * (2 if several else 1),
    ]


def test_what_a_gpu_computes_is_prefetched_on_the_callers_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[str] = []
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _: Stream("current", log))
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: stream)
    threads, begun = [], threading.Event()

    def items() -> Iterator[int]:
        threads.append(threading.current_thread())
        yield 1
        log.append("made")
        begun.set()
        yield 2

    prefetched = prefetch_from(items(), torch.device("cuda:1"))
    assert next(prefetched) == 1
    assert begun.wait(60)
    assert list(prefetched) == [2]
    assert threads != [threading.current_thread()]
    turn = "current begins", "current records", "current ends"
    assert log == [*turn, "current begins", "made", *turn[1:], "current begins", "current ends"]


def test_what_a_cpu_computes_is_not_prefetched() -> None:
    threads, closed = [], []

    def items() -> Iterator[int]:
        try:
            for number in range(3):
                threads.append(threading.current_thread())
                yield number
        finally:
            closed.append(True)

    prefetched = prefetch_from(items(), torch.device("cpu"))
    assert [next(prefetched), next(prefetched)] == [0, 1]
    prefetched.close()
    assert threads == [threading.current_thread()] * 2
    assert closed
