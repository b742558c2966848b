"""A GPU ranks the next block while metrics are computed of the last one, to the same numbers."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from hashbench.evaluation import score_blocks
from hashbench.evaluation.evaluate import Scores, evaluate_features, evaluate_similarities
from hashbench.evaluation.nearest import nearest_neighbours
from hashbench.evaluation.relevance import label_pair
from hashbench.evaluation.score_blocks import RankedBlock, ranked_blocks
from hashbench.evaluation.similarities import FeatureSimilarities
from hashbench.evaluation.tally import Tally
from hashbench.util.prefetch import prefetch

QUERIES, ITEMS, BLOCKS = 6, 120, 3
CPU = torch.device("cpu")
_RNG = np.random.default_rng(0)
QUERY, DATABASE = (_RNG.integers(-3, 4, (rows, 5)).astype(np.float32) for rows in (QUERIES, ITEMS))  # some tie
CLASSES = _RNG.integers(0, 3, QUERIES), _RNG.integers(0, 3, ITEMS)
SETS = _RNG.random((QUERIES, 4)) < 0.6, _RNG.random((ITEMS, 4)) < 0.6
NEAR = nearest_neighbours(QUERY, DATABASE, "l2", 100)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two queries each."""
    monkeypatch.setattr(score_blocks, "_CPU", score_blocks._Sizes(block=100, compared=2 * ITEMS, ranked=2 * ITEMS))


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks are prefetched as a GPU's are."""
    monkeypatch.setattr(score_blocks, "prefetch_from", lambda blocks, _: prefetch(blocks))


class Compared(FeatureSimilarities):
    """Similarities that say when a block is begun, and fail at one."""

    def __init__(self, broken: int | None = None) -> None:
        super().__init__(QUERY, DATABASE, CPU, "l2")
        self.begun, self.broken = [threading.Event() for _ in range(BLOCKS)], broken

    def fill(self, queries: slice, result: Tensor) -> None:
        """As its base class."""
        block = queries.start // 2
        self.begun[block].set()
        if block == self.broken:
            raise ValueError("scores are not finite")
        super().fill(queries, result)


Threads = Callable[[], list[threading.Thread]]


@pytest.fixture
def threads() -> Threads:
    """Threads that run and did not before the test."""
    before = set(threading.enumerate())
    return lambda: list(set(threading.enumerate()) - before)


@pytest.mark.usefixtures("ahead")
def test_the_next_block_is_ranked_while_the_last_one_is_read_and_no_other(threads: Threads) -> None:
    similarities = Compared()
    blocks = ranked_blocks(similarities, None, NEAR)
    next(blocks)
    assert similarities.begun[1].wait(60)
    assert not similarities.begun[2].wait(0.02)
    next(blocks)
    assert similarities.begun[2].wait(60)
    blocks.close()
    assert threads() == []


def test_on_a_cpu_a_block_is_ranked_when_it_is_asked_for(threads: Threads) -> None:
    similarities = Compared()
    blocks = ranked_blocks(similarities, None, NEAR)
    for block in range(BLOCKS):
        next(blocks)
        assert [each.is_set() for each in similarities.begun] == [other <= block for other in range(BLOCKS)]
        assert threads() == []


def by_features(labels: Any, **others: Any) -> Scores:
    own, of_items = labels
    return evaluate_features(QUERY, DATABASE, own, of_items, 9, "cpu", **others)


def by_similarities(labels: Any, **others: Any) -> Scores:
    own, of_items = labels
    return evaluate_similarities(Compared(), own, of_items, 9, **others)


def same(one: Scores, other: Scores) -> bool:
    return (one.metrics, one.curves, one.queries, one.diagnostics) == (
        *(other.metrics, other.curves, other.queries, other.diagnostics),
    ) and np.array_equal(one.average_precision, other.average_precision, equal_nan=True)


@pytest.mark.parametrize(
    ("scores", "labels", "others"),
    [
        (by_features, CLASSES, {}),
        (by_features, SETS, {"distance": "l2", "neighbours": NEAR}),
        (by_similarities, SETS, {"neighbours": NEAR}),
        (by_similarities, (None, None), {"neighbours": NEAR}),
    ],
)
def test_numbers_are_those_of_blocks_one_after_the_other(
    scores: Callable[..., Scores], labels: Any, others: Any, request: pytest.FixtureRequest, threads: Threads
) -> None:
    alone = scores(labels, **others)
    request.getfixturevalue("ahead")
    assert same(alone, scores(labels, **others))
    with torch.autocast("cpu", torch.bfloat16), torch.inference_mode():  # the caller's, which its thread alone has
        assert same(alone, scores(labels, **others))
    assert threads() == []


def test_a_block_that_is_held_does_not_change_when_the_next_ones_are_ranked() -> None:
    """They are made in the same memory."""

    def found(blocks: Iterator[RankedBlock]) -> list[Any]:
        return [
            (block.places.before.tolist(), block.histograms.items.tolist(), block.histograms.gains.shared.tolist())
            for block in blocks
            if block.places and block.histograms and block.histograms.gains
        ]

    labels = label_pair(*SETS, QUERIES, ITEMS)
    held = found(iter(list(ranked_blocks(Compared(), labels, NEAR))))
    assert len(held) == BLOCKS
    assert held == found(ranked_blocks(Compared(), labels, NEAR))


@pytest.mark.usefixtures("ahead")
def test_an_exception_of_a_block_reaches_the_caller(threads: Threads) -> None:
    with pytest.raises(ValueError, match="not finite"):
        evaluate_similarities(Compared(broken=1), *CLASSES)
    assert threads() == []


@pytest.mark.usefixtures("ahead")
@pytest.mark.parametrize("scores", [by_features, by_similarities])
def test_an_exception_of_the_metrics_ends_the_thread(
    scores: Callable[..., Scores], monkeypatch: pytest.MonkeyPatch, threads: Threads
) -> None:
    def broken(*_: Any) -> None:
        assert len(threads()) == 1
        raise KeyboardInterrupt("metrics")

    monkeypatch.setattr(Tally, "_add", broken)
    with pytest.raises(KeyboardInterrupt, match="metrics") as raised:
        scores(CLASSES)
    assert threads() == []
    assert raised.tb is not None  # with every frame of it
