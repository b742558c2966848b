"""Scores by neighbours: those of plain counting, beside labels or without, of codes and of float vectors."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hashbench.evaluation.evaluate import evaluate, evaluate_features
from hashbench.evaluation.headline import NEIGHBOURS_HEADLINE, headline_of
from hashbench.evaluation.metrics import declared_neighbours
from hashbench.evaluation.nearest import nearest_neighbours
from hashbench.evaluation.neighbours import Neighbours

RNG = np.random.default_rng(0)
DATABASE = RNG.standard_normal((400, 10)).astype(np.float32)
QUERY = RNG.standard_normal((12, 10)).astype(np.float32)
NEAREST = nearest_neighbours(QUERY, DATABASE, "l2", 100)


def signs(vectors: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    projection = np.random.default_rng(1).standard_normal((10, 24))
    return np.asarray(vectors @ projection > 0)


def by_many_orders(k: int, rank: int) -> npt.NDArray[np.float64]:
    """Share of the k nearest in the first ranks, mean over random orders of the ties of Hamming distances."""
    rng = np.random.default_rng(2)
    distances = (signs(QUERY)[:, None] != signs(DATABASE)[None]).sum(-1)
    shares = np.zeros(len(QUERY))
    for _ in range(400):
        order = np.argsort(distances + rng.random(distances.shape), axis=1)[:, :rank]
        for query in range(len(QUERY)):
            near = NEAREST.rows[NEAREST.starts[query] :][:k]
            shares[query] += np.isin(near, order[query]).sum() / k / 400
    return shares


def test_recall_and_the_curve_are_those_of_counting_over_random_orders_of_the_ties() -> None:
    scores = evaluate(signs(QUERY), signs(DATABASE), None, None, device="cpu", neighbours=NEAREST)
    for k in (1, 10, 100):
        assert scores.metrics[f"neighbours/recall@{k}"] == pytest.approx(by_many_orders(k, k).mean(), abs=0.01)
    assert scores.neighbour_recall == pytest.approx(by_many_orders(10, 10), abs=0.04)
    curve = scores.curves["neighbours"]
    assert curve["m"] == list(range(1, 101))
    assert curve["recall"][4] == pytest.approx(by_many_orders(10, 50).mean(), abs=0.01)
    assert curve["recall"][0] == pytest.approx(scores.metrics["neighbours/recall@10"])
    assert curve["recall"][39:] == [1] * 61


def test_m_is_the_smallest_multiple_that_keeps_enough() -> None:
    scores = evaluate(signs(QUERY), signs(DATABASE), None, None, device="cpu", neighbours=NEAREST)
    recall = scores.curves["neighbours"]["recall"]
    for percent in (90, 95, 99):
        m = scores.metrics[f"neighbours/m@{percent}"]
        assert m is not None
        assert recall[int(m) - 1] >= percent / 100 > recall[int(m) - 2]
    far = np.concatenate([DATABASE, np.arange(9000, dtype=np.float32)[:, None] + np.full(10, 99, dtype=np.float32)])
    one_code = np.zeros((9400, 8), dtype=np.bool_)
    lost = evaluate(one_code[:12], one_code, None, None, neighbours=nearest_neighbours(QUERY, far, "l2", 100))
    assert lost.metrics["neighbours/m@90"] is None
    assert lost.metrics["neighbours/recall@10"] == pytest.approx(10 / 9400)


def test_labels_and_neighbours_are_scored_beside_each_other_and_neither_changes_the_other() -> None:
    labels = np.arange(412) % 3
    pair = labels[:12], labels[12:]
    both = evaluate(signs(QUERY), signs(DATABASE), *pair, neighbours=NEAREST)
    alone = evaluate(signs(QUERY), signs(DATABASE), *pair)
    none = evaluate(signs(QUERY), signs(DATABASE), None, None, neighbours=NEAREST)
    assert both.metrics == {**alone.metrics, **none.metrics}
    assert both.curves == {**alone.curves, "neighbours": none.curves["neighbours"]}
    assert np.array_equal(both.average_precision, alone.average_precision)
    assert none.diagnostics == alone.diagnostics == both.diagnostics
    assert (none.curves["rank"], none.curves["radius"], none.queries["scored"]) == (None, None, 12)
    assert np.isnan(none.average_precision).all()


@pytest.mark.parametrize("copies", [1, 2, 3])
def test_a_search_by_the_same_distance_keeps_all_of_them_however_they_tie(copies: int) -> None:
    """Of bits the Hamming distance is the squared Euclidean one: code and float vectors rank alike."""
    bits = np.random.default_rng(3).random((150, 12)) < 0.5
    database, query = np.repeat(bits, copies, axis=0), bits[:20] ^ (np.arange(12) == 3)
    found = nearest_neighbours(query.astype(np.float32), database.astype(np.float32), "l2", 100)
    for scores in (
        evaluate(query, database, None, None, neighbours=found),
        evaluate_features(query * 1.0, database * 1.0, None, None, distance="l2", neighbours=found),
    ):
        assert {name: scores.metrics[name] for name in scores.metrics if "recall" in name} == {
            f"neighbours/recall@{k}": 1.0 for k in (1, 10, 100)
        }
        assert scores.metrics["neighbours/m@99"] == 1


@pytest.mark.parametrize("distance", ["l2", "ip", "cosine"])
def test_labels_are_ranked_by_the_same_distance_of_float_vectors(distance: Any) -> None:
    labels = np.arange(412) % 3
    scores = evaluate_features(QUERY, DATABASE, labels[:12], labels[12:], device="cpu", distance=distance)
    products = QUERY.astype(np.float64) @ DATABASE.astype(np.float64).T
    table = {
        "l2": 2 * products - (DATABASE.astype(np.float64) ** 2).sum(1),
        "ip": products,
        "cosine": products / np.linalg.norm(DATABASE, axis=1),
    }[distance]
    ranked = labels[12:][np.argsort(-table, axis=1)]
    first = (ranked[:, :10] == labels[:12, None]).mean()
    assert scores.metrics["precision@10"] == pytest.approx(first)


def test_every_metric_is_declared_and_the_headline_is_that_of_the_card() -> None:
    scores = evaluate(signs(QUERY), signs(DATABASE), None, None, neighbours=NEAREST)
    assert [metric.id for metric in declared_neighbours()] == list(scores.metrics)
    assert headline_of({"relevance": {"kind": "neighbours"}}) == NEIGHBOURS_HEADLINE
    assert headline_of({"cutoff": None}) == "map@1000"


def test_too_few_neighbours_are_refused() -> None:
    few = Neighbours(10, "l2", np.arange(0, 130, 10), np.arange(120), np.arange(120, dtype=np.float32))
    with pytest.raises(ValueError, match="k is 100, wanted 1 to 10"):
        evaluate(signs(QUERY), signs(DATABASE), None, None, neighbours=few)
