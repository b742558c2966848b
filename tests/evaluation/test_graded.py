"""Graded relevance: gains of every pair, on both backends; metrics over every order of the ties; scikit-learn."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.metrics import ndcg_score

from hashbench.codes import Codes
from hashbench.evaluation.average_precision import average_precision
from hashbench.evaluation.evaluate import Scores, evaluate, evaluate_features
from hashbench.evaluation.graded import acg, ndcg, weighted_average_precision
from hashbench.evaluation.histograms import distance_histograms
from hashbench.evaluation.metrics import declared
from hashbench.evaluation.ranking import FloatArray, Ranking
from hashbench.evaluation.similarities import similarity_histograms
from hashbench.search.backend import Gains
from hashbench.search.bit_sliced import BitSlicedBackend
from hashbench.search.matmul import MatmulBackend

Groups = list[list[int]]
"""The shared labels of each item of each group of ties."""


def plain_dcg(shared: tuple[int, ...], k: int) -> float:
    return sum((2.0**gain - 1) / math.log2(1 + rank) for rank, gain in enumerate(shared[:k], start=1))


def plain_ndcg(shared: tuple[int, ...], k: int) -> float:
    return plain_dcg(shared, k) / plain_dcg(tuple(sorted(shared, reverse=True)), k)


def plain_acg(shared: tuple[int, ...], k: int) -> float:
    return sum(shared[:k]) / k


def plain_wap(shared: tuple[int, ...], k: int) -> float:
    at_hits = [sum(shared[:rank]) / rank for rank in range(1, min(k, len(shared)) + 1) if shared[rank - 1]]
    return sum(at_hits) / len(at_hits) if at_hits else 0.0


PLAIN: list[tuple[Callable[..., FloatArray], Callable[..., float]]] = [
    (ndcg, plain_ndcg),
    (acg, plain_acg),
    (weighted_average_precision, plain_wap),
]


def ranking_of(groups: Groups, labels: int) -> Ranking:
    """One query of so many labels."""
    items, relevant, shared = (
        np.array([[sum(map(count, group)) for group in groups]]) for count in (lambda _: 1, bool, int)
    )
    exponential = np.array([[sum(2.0**gain - 1 for gain in group) / 2**labels for group in groups]])
    every = list(itertools.chain.from_iterable(groups))
    at_least = np.array([[sum(gain >= level for gain in every) for level in range(1, labels + 1)]])
    return Ranking(items, relevant, Gains(shared, exponential, at_least, np.array([labels])))


def orders(groups: Groups) -> list[tuple[int, ...]]:
    return [
        tuple(itertools.chain.from_iterable(parts)) for parts in itertools.product(*map(itertools.permutations, groups))
    ]


@pytest.mark.parametrize(
    "groups",
    [
        [[0, 3, 1], [2], [], [1, 0, 2, 0]],
        [[2, 1, 0, 4, 0, 1]],
        [[0, 0], [1, 1, 3], [0, 2, 2]],
        [[1], [2], [0], [3]],
        [[0, 0, 0, 0, 2]],
    ],
    ids=str,
)
@pytest.mark.parametrize(("metric", "plain"), PLAIN, ids=["ndcg", "acg", "wap"])
def test_ties_count_by_the_mean_over_all_their_orders(
    groups: Groups, metric: Callable[..., FloatArray], plain: Callable[..., float]
) -> None:
    ranking, every = ranking_of(groups, labels=5), orders(groups)
    for k in range(1, len(every[0]) + 3):
        wanted = sum(plain(order, k) for order in every) / len(every)
        assert metric(ranking, k=k)[0] == pytest.approx(wanted, rel=1e-12), k
    if metric is not acg:
        assert metric(ranking, k=None)[0] == pytest.approx(metric(ranking, k=len(every[0]))[0])


def test_without_ties_ndcg_is_scikit_learns() -> None:
    shared = np.random.default_rng(0).integers(0, 5, 300)
    ranking = ranking_of([[int(gain)] for gain in shared], labels=6)
    scores = -np.arange(300.0)[None]
    for k in (1, 10, 100, None):
        wanted = ndcg_score(2.0 ** shared[None] - 1, scores, k=k)
        assert ndcg(ranking, k)[0] == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("k", [1, 7, 40, None])
def test_with_one_label_each_wap_is_average_precision(k: int | None) -> None:
    rng = np.random.default_rng(1)
    groups = [rng.integers(0, 2, size).tolist() for size in (5, 0, 30, 1, 20)]
    ranking = ranking_of(groups, labels=1)
    assert weighted_average_precision(ranking, k)[0] == pytest.approx(average_precision(ranking, k)[0], rel=1e-12)


def random_case(bits: int, classes: int) -> tuple[tuple[Codes, Codes], tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(bits)
    labels = rng.random((6, classes)) < 0.4, rng.random((700, classes)) < 0.3
    labels[0][0] = False  # a query without labels
    return (Codes.pack(rng.random((6, bits)) < 0.5), Codes.pack(rng.random((700, bits)) < 0.5)), labels


@pytest.mark.parametrize(("bits", "classes"), [(5, 4), (70, 21)])
def test_gains_are_those_of_every_pair_on_both_backends(bits: int, classes: int) -> None:
    codes, labels = random_case(bits, classes)
    distance = (codes[0].unpack()[:, None] != codes[1].unpack()[None]).sum(axis=2)
    shared = (labels[0][:, None] & labels[1][None]).sum(axis=2)
    own = labels[0].sum(axis=1)
    for backend in (BitSlicedBackend(), MatmulBackend(torch.device("cpu"))):
        *counts, gains = backend.graded_histograms(*codes, labels)
        assert all(map(np.array_equal, counts, backend.histograms(*codes, labels)))
        assert np.array_equal(gains.labels, own)
        for query in range(6):
            for sums, values in (
                (gains.shared, shared[query]),
                (gains.exponential, (2.0 ** shared[query] - 1) / 2.0 ** own[query]),
            ):
                assert np.array_equal(sums[query], np.bincount(distance[query], values, bits + 1))
            reached = [(shared[query] >= level).sum() for level in range(1, own.max() + 1)]
            assert gains.at_least[query].tolist() == reached


def test_queries_without_any_label_gain_nothing_on_both_backends() -> None:
    codes, labels = random_case(20, 5)
    labels[0][:] = False
    for backend in (BitSlicedBackend(), MatmulBackend(torch.device("cpu"))):
        items, hits, gains = backend.graded_histograms(*codes, labels)
        assert items.sum() == 6 * 700
        assert not hits.any()
        assert not gains.shared.any()
        assert not gains.exponential.any()
        assert gains.at_least.shape == (6, 0)


def test_features_have_the_gains_of_their_groups() -> None:
    _, labels = random_case(5, 4)
    rng = np.random.default_rng(0)
    query, database = (rng.integers(-1, 2, (rows, 3)).astype(np.float32) for rows in (6, 700))
    (block,) = similarity_histograms(query, database, *labels)
    assert block.gains is not None
    shared = (labels[0][:, None] & labels[1][None]).sum(axis=2)
    assert np.array_equal(block.gains.shared.sum(axis=1), shared.sum(axis=1))
    length = np.linalg.norm(database, axis=1) * np.linalg.norm(query, axis=1)[:, None]
    cosine = np.round(query @ database.T / np.where(length > 0, length, 1), 5)
    for number in range(6):
        wanted = [shared[number][cosine[number] == value].sum() for value in np.unique(cosine[number])[::-1]]
        assert block.gains.shared[number][: len(wanted)].tolist() == wanted
    codes = random_case(5, 4)[0]
    by_distance = distance_histograms(*codes, *labels).gains
    assert by_distance is not None
    assert np.array_equal(block.gains.at_least, by_distance.at_least)
    assert block.gains.exponential.sum(axis=1) == pytest.approx(by_distance.exponential.sum(axis=1))


def test_a_query_of_the_database_takes_its_own_gains_out() -> None:
    (_, database), (_, labels) = random_case(70, 21)
    rows = np.array([3, -1, 650])
    query = Codes(database.packed[[3, 5, 650]], database.bits)
    left = distance_histograms(query, database, labels[[3, 5, 650]], labels, own_rows=rows).gains
    kept = np.ones((3, 700), dtype=bool)
    kept[[0, 2], [3, 650]] = False
    assert left is not None
    for number, item in enumerate((3, 5, 650)):
        others = distance_histograms(
            query[number : number + 1], database[kept[number]], labels[[item]], labels[kept[number]]
        ).gains
        assert others is not None
        assert np.array_equal(left.shared[number], others.shared[0])
        assert left.exponential[number] == pytest.approx(others.exponential[0], abs=1e-12)
        assert left.at_least[number].sum() == others.at_least[0].sum()


def graded(scores: Scores) -> set[str]:
    return {name for name in scores.metrics if name.startswith(("ndcg@", "wap@", "acg@"))}


def test_sets_of_several_labels_have_graded_metrics_and_others_do_not() -> None:
    (query, database), labels = random_case(70, 21)
    features = np.random.default_rng(0).standard_normal((706, 4)).astype(np.float32)
    every = {metric.id for metric in declared(50) if metric.needs_gains}
    assert {"ndcg@50", "ndcg@all", "acg@50", "wap@50", "wap@1000", "wap@all"} <= every
    assert graded(evaluate(query, database, *labels, cutoff=50, device="cpu")) == every
    scores = evaluate_features(features[:6], features[6:], *labels, cutoff=50, device="cpu")
    assert graded(scores) == every
    assert all(value is not None and value > 0 for name, value in scores.metrics.items() if name in every)
    classes = np.arange(6) % 3, np.arange(700) % 3
    one_hot = np.eye(3, dtype=bool)
    for own, others in (classes, (one_hot[classes[0]], one_hot[classes[1]])):
        assert not graded(evaluate(query, database, own, others, device="cpu"))
        assert not graded(evaluate_features(features[:6], features[6:], own, others, device="cpu"))


def test_many_labels_overflow_nothing() -> None:
    (query, database), _ = random_case(5, 4)
    labels = np.ones((6, 1500), dtype=bool), np.ones((700, 1500), dtype=bool)
    scores = evaluate(query, database, *labels, device="cpu")
    assert scores.metrics["ndcg@10"] == pytest.approx(1)
    assert scores.metrics["acg@10"] == scores.metrics["wap@all"] == pytest.approx(1500)
