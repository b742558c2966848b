"""Other people's rules: each equal to a plain rewrite of its script, and torchmetrics' to torchmetrics."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torchmetrics.functional.retrieval import retrieval_average_precision
from torchmetrics.retrieval import RetrievalMAP

import hashbench as hb
from hashbench.codes import Codes
from hashbench.evaluation.relevance import as_multi_hot, label_pair
from hashbench.external.other_rules import RULES
from hashbench.external.rule_scores import rule_scores

Array = npt.NDArray[Any]
KS = (1, 7, 30, None)


def signs(bits: Array) -> Array:
    return (2 * bits - 1).astype(np.float32)


def deephash(q: Array, d: Array, ql: Array, dl: Array, k: int) -> float:
    """Walks the ranks of each query; no hit adds nothing, and all queries divide."""
    total = 0.0
    for code, label in zip(q, ql, strict=True):
        distances = 0.5 * (d.shape[1] - signs(code) @ signs(d).T)
        found = ((label.astype(int) @ dl.T.astype(int)) > 0)[np.argsort(distances)][:k]
        ranks = np.flatnonzero(found) + 1
        if len(ranks):
            total += float(np.mean([(place + 1) / rank for place, rank in enumerate(ranks)]))
    return total / len(q)


def hashnet(q: Array, d: Array, ql: Array, dl: Array, k: int) -> float:
    """Sorts the columns of one matrix of products, compares labels with the zeros at -1, skips queries without hits."""
    ids = np.argsort(-(signs(d) @ signs(q).T), axis=0)
    precisions = []
    for column, label in enumerate(np.where(ql, 1, -1)):
        match = (dl[ids[:k, column]].astype(int) == label).sum(axis=1) > 0
        if match.sum():
            precisions.append((np.cumsum(match) / np.arange(1, len(match) + 1) * match).sum() / match.sum())
    return float(np.mean(precisions)) if precisions else float("nan")


def total_relevant(q: Array, d: Array, ql: Array, dl: Array, k: int) -> float:
    """Divides by the count of each query's matches in the whole database; lone queries are left out."""
    values = []
    for code, label in zip(q, ql, strict=True):
        match = (dl & label).any(axis=1)
        if match.any():
            found = match[np.argsort((d != code).sum(axis=1), kind="stable")][:k]
            values.append((np.cumsum(found) * found / np.arange(1, len(found) + 1)).sum() / match.sum())
    return float(np.mean(values))


def mapk(q: Array, d: Array, ql: Array, dl: Array, k: int) -> float:
    """Lists of actual and predicted items, as a competition's metric takes them."""

    def apk(actual: list[int], predicted: list[int]) -> float:
        score = hits = 0.0
        for place, item in enumerate(predicted[:k]):
            if item in actual:
                hits += 1
                score += hits / (place + 1)
        return score / min(len(actual), k) if actual else 0.0

    ranked = [sorted(range(len(d)), key=lambda item: int((d[item] != code).sum())) for code in q]
    actual = [[item for item in range(len(d)) if (dl[item] & label).any()] for label in ql]
    return float(np.mean([apk(*pair) for pair in zip(actual, ranked, strict=True)]))


def online_hashing(q: Array, d: Array, ql: Array, dl: Array, k: int) -> float:
    """Gathers items similarity by similarity, takes the first k, and drops AP that is not a number."""
    values = []
    for code, label in zip(q, ql, strict=True):
        similarity = (signs(d) @ signs(code)).astype(int)
        rows = [row for level in range(d.shape[1], -d.shape[1] - 1, -1) for row in np.flatnonzero(similarity == level)]
        found = (dl[rows[:k]] & label).any(axis=1)
        with np.errstate(invalid="ignore"):
            precision = np.cumsum(found) / np.arange(1, len(found) + 1)
            values.append(np.divide(precision[found].sum(), found.sum()))
    kept = np.array(values)[~np.isnan(values)]
    return float(kept.mean()) if len(kept) else float("nan")


def torchmetrics(q: Array, d: Array, ql: Array, dl: Array, k: int) -> float:
    equal = torch.from_numpy((q[:, None] == d[None]).sum(axis=2).astype(np.float32))
    relevant = torch.from_numpy((ql[:, None] & dl[None]).any(axis=2))
    return float(np.mean([retrieval_average_precision(*pair, top_k=k) for pair in zip(equal, relevant, strict=True)]))


REWRITES: dict[str, Callable[[Array, Array, Array, Array, int], float]] = {
    "deephash": deephash,
    "hashnet": hashnet,
    "total-relevant": total_relevant,
    "min": mapk,
    "oh": online_hashing,
    "torchmetrics": torchmetrics,
}


def crovca(outputs: Array, d: Array, ql: Array, dl: Array, k: int) -> float:
    near = torch.cdist(torch.sigmoid(torch.from_numpy(outputs)), torch.from_numpy(d.astype(np.float32)), p=1)
    values = []
    for rows, label in zip(near.topk(k, largest=False)[1].numpy(), ql, strict=True):
        found = (dl[rows] & label).any(axis=1)
        values.append(0.0)
        if found.any():
            values[-1] = float((np.cumsum(found) / np.arange(1, k + 1) * found).sum() / found.sum())
    return sum(values) / len(ql)


def drawn(seed: int) -> tuple[Array, Array, Array, Array, Array]:
    """Outputs and codes full of ties; class numbers or several labels, queries without a relevant item among them."""
    rng = np.random.default_rng(seed)
    bits, items, classes = int(rng.integers(1, 10)), int(rng.integers(30, 90)), int(rng.integers(2, 9))
    outputs = rng.normal(size=(12, bits)).astype(np.float32)
    database = rng.random((items, bits)) < 0.5
    database[:3] = outputs[:3] <= 0  # all bits differ
    if seed % 2:
        numbers = rng.integers(0, classes + 1, 12), rng.integers(0, classes, items)
        query_labels, database_labels = (as_multi_hot(each, classes + 1) for each in numbers)
    else:
        query_labels, database_labels = rng.random((12, classes)) < 0.2, rng.random((items, classes)) < 0.2
    database_labels[0] |= query_labels[0]
    return outputs, database, query_labels, database_labels, np.asarray(outputs > 0)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("rule", REWRITES)
def test_each_rule_is_a_plain_rewrite_of_its_script(rule: str, seed: int) -> None:
    _, database, query_labels, database_labels, query = drawn(seed)
    for k in KS:
        plain = REWRITES[rule](query, database, query_labels, database_labels, len(database) if k is None else k)
        ours = hb.evaluate_as(rule, query, database, query_labels, database_labels, k)
        assert ours == pytest.approx(plain, abs=1e-6, nan_ok=True), k


@pytest.mark.parametrize("seed", range(12))
def test_crovca_is_a_plain_rewrite_of_its_script(seed: int) -> None:
    outputs, database, query_labels, database_labels, query = drawn(seed)
    for k in (1, 7, 30):
        ours = hb.evaluate_as("crovca", query, database, query_labels, database_labels, k, query_outputs=outputs)
        assert ours == pytest.approx(crovca(outputs, database, query_labels, database_labels, k), abs=1e-6)


def test_class_numbers_and_columns_of_them_are_the_same_to_every_rule() -> None:
    rng = np.random.default_rng(0)
    codes, classes = rng.random((52, 6)) < 0.5, rng.integers(0, 4, 52)
    hot = as_multi_hot(classes, 4)
    for rule in REWRITES:
        numbers = hb.evaluate_as(rule, codes[:12], codes[12:], classes[:12], classes[12:], 9)
        assert numbers == hb.evaluate_as(rule, codes[:12], codes[12:], hot[:12], hot[12:], 9)


@pytest.mark.parametrize("seed", range(4))
def test_what_makes_the_difference_adds_up_to_it(seed: int) -> None:
    outputs, database, query_labels, database_labels, query = drawn(seed)
    codes, labels = (
        (Codes.pack(query), Codes.pack(database)),
        label_pair(query_labels, database_labels, 12, len(database)),
    )
    ours = hb.evaluate(query, database, query_labels, database_labels, cutoff=30).metrics["map@30"]
    assert ours is not None
    for score in rule_scores(list(RULES.values()), codes, labels, [30], query_outputs=outputs):
        if score.value is not None:
            assert ours + sum(score.effects(ours).values()) == pytest.approx(score.value)


def test_where_nothing_ties_the_class_of_torchmetrics_gives_the_same() -> None:
    database = np.tril(np.ones((20, 20), dtype=np.bool_))
    query = np.repeat([database[19] & False, database[19]], 2, axis=0)
    relevant = np.random.default_rng(0).random((4, 20)) < 0.3
    labels = np.eye(4, dtype=np.bool_), relevant.T
    for k in (1, 5, 20):
        metric = RetrievalMAP(top_k=k)
        equal = torch.from_numpy((query[:, None] == database[None]).sum(axis=2).astype(np.float32))
        metric.update(equal, torch.from_numpy(relevant), torch.arange(4)[:, None].expand(-1, 20))
        ours = hb.evaluate_as("torchmetrics", query, database, *labels, k)
        assert ours == pytest.approx(float(metric.compute()), abs=1e-6)


def test_where_nothing_ties_and_every_query_has_hits_only_denominators_differ() -> None:
    database = np.tril(np.ones((20, 20), dtype=np.bool_))
    query, classes = np.zeros((2, 20), dtype=np.bool_), np.arange(20) % 2
    ours = hb.evaluate(query, database, np.arange(2), classes, cutoff=8).metrics
    for rule, metric in {"deephash": "", "hashnet": "", "oh": "", "min": "/min", "total-relevant": "/total"}.items():
        assert hb.evaluate_as(rule, query, database, np.arange(2), classes, 8) == pytest.approx(ours[f"map@8{metric}"])


def test_an_own_row_is_left_out_of_the_ranking_by_every_rule() -> None:
    _, database, query_labels, database_labels, query = drawn(1)
    labels = label_pair(query_labels, database_labels, 12, len(database))
    own = np.full(12, -1)
    own[2] = 5
    rules = [rule for rule in RULES.values() if not rule.needs_outputs]
    codes = Codes.pack(query), Codes.pack(database)
    left_out = rule_scores(rules, (codes[0][2:3], codes[1]), (labels[0][2:3], labels[1]), [9], own_rows=own[2:3])
    without = np.delete(np.arange(len(database)), 5)
    assert left_out == rule_scores(rules, (codes[0][2:3], codes[1][without]), (labels[0][2:3], labels[1][without]), [9])


def test_it_refuses_ranks_below_one() -> None:
    with pytest.raises(ValueError, match="k is 0, wanted 1 or more"):
        hb.evaluate_as("deephash", np.ones((1, 2), dtype=bool), np.ones((2, 2), dtype=bool), [0], [0, 1], 0)  # type: ignore[arg-type]
