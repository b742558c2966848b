"""Work ahead: the next item is made while the last one is used."""

import threading
from collections.abc import Iterator

import pytest

from hashbench.util.prefetch import prefetch


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
            assert made[number + 1].wait(10)
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
    def names() -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread.name.startswith("hashbench-prefetch")]

    prefetched = prefetch(iter(range(10**9)))
    assert next(prefetched) == 0
    assert len(names()) == 1
    prefetched.close()  # type: ignore[attr-defined]
    assert names() == []
