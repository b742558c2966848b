"""Rankings of codes by scores: those of plain numpy, whatever the blocks, with equal items tied."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from hashbench.codes import Codes
from hashbench.evaluation import score_blocks
from hashbench.evaluation.average_precision import average_precision
from hashbench.evaluation.evaluate import Scores, evaluate, evaluate_similarities
from hashbench.evaluation.neighbours import Neighbours, Places, kept
from hashbench.evaluation.ranking import Ranking
from hashbench.evaluation.scored_codes import ScoredCodes, asymmetric_codes
from hashbench.evaluation.tally import EMPTY_SHARE
from hashbench.search.signed_products import signed_products

CPU = torch.device("cpu")
SMALL = score_blocks._Sizes(block=40, compared=90, ranked=50)


def bools(rng: np.random.Generator, *shape: int) -> npt.NDArray[np.bool_]:
    return rng.random(shape) < 0.5


def nearest(rng: np.random.Generator, queries: int, items: int, k: int) -> Neighbours:
    """Some k neighbours of each query, of which the last two tie."""
    rows = np.concatenate([rng.permutation(items)[:k] for _ in range(queries)])
    values = np.tile(np.minimum(np.arange(k), k - 2).astype(np.float32), queries)
    return Neighbours(k, "l2", np.arange(queries + 1) * k, rows, values)


def ranked(codes: ScoredCodes, database: Codes, labels: Any, neighbours: Neighbours | None = None) -> Scores:
    return evaluate_similarities(codes.similarities(), labels[0], labels[1], 7, neighbours=neighbours, codes=database)


@pytest.mark.parametrize("bits", [1, 8, 13, 64])
@pytest.mark.parametrize("queries", [1, 3, 33, 70])
def test_products_are_those_of_unpacked_codes_whatever_stands_beside_them(bits: int, queries: int) -> None:
    rng = np.random.default_rng(bits + queries)
    rows, codes = rng.standard_normal((queries, bits)).astype(np.float32), bools(rng, 50, bits)
    packed = torch.from_numpy(Codes.pack(codes).packed)
    products = signed_products(torch.from_numpy(rows), packed)
    np.testing.assert_allclose(products, rows.astype(np.float64) @ (2.0 * codes - 1).T, atol=1e-4)
    part = signed_products(torch.from_numpy(rows[-1:]), packed[7:9])
    assert torch.equal(part, products[-1:, 7:9])
    assert signed_products(torch.from_numpy(rows), packed[:0]).shape == (queries, 0)


@settings(max_examples=10)
@given(seed=st.integers(0, 10_000), bits=st.integers(1, 20), graded=st.booleans())
def test_signs_as_projections_rank_as_hamming_distances_do(seed: int, bits: int, graded: bool) -> None:
    """<z, b> = bits - 2 distance where z is -1 or +1, so every metric has an oracle, ties among them."""
    rng = np.random.default_rng(seed)
    query, database = bools(rng, 9, bits), bools(rng, 120, bits)
    labels: Any = (bools(rng, 9, 3), bools(rng, 120, 3)) if graded else (np.arange(9) % 3, np.arange(120) % 3)
    near = nearest(rng, 9, 120, 100)
    signs, codes = torch.from_numpy(2.0 * query - 1).float(), Codes.pack(database)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(score_blocks, "_CPU", SMALL)
        pairs: tuple[Any, ...] = (labels, (None, None))
        for pair in pairs:
            found = ranked(asymmetric_codes(signs, codes), codes, pair, near)
            wanted = evaluate(query, database, pair[0], pair[1], 7, "cpu", neighbours=near)
            assert_close(found.metrics, {**wanted.metrics, **without_radius(wanted)})
            for name, values in (wanted.curves["rank"] or {}).items():
                assert found.curves["rank"][name] == pytest.approx(values), name
            assert found.curves["neighbours"]["recall"] == pytest.approx(wanted.curves["neighbours"]["recall"])
            diagnostics = {name: value for name, value in wanted.diagnostics.items() if name != EMPTY_SHARE}
            assert_close(found.diagnostics, diagnostics)
            np.testing.assert_allclose(found.average_precision, wanted.average_precision)


def assert_close(found: Mapping[str, float | None], wanted: Mapping[str, float | None]) -> None:
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert found[name] == (None if value is None else pytest.approx(value, rel=1e-9)), name


def without_radius(scores: Scores) -> dict[str, None]:
    return {name: None for name in scores.metrics if name.startswith("precision@r")}


@settings(max_examples=10)
@given(seed=st.integers(0, 10_000), factors=st.integers(0, 2))
def test_scores_rank_as_plain_counting_does(seed: int, factors: int) -> None:
    """Of small whole numbers, which tie often, and of copies of items, whose scores need not be rounded alike."""
    rng = np.random.default_rng(seed)
    codes = np.concatenate([bools(rng, 70, 9)] * 2)
    added = np.tile(rng.integers(-2, 3, (70, factors)), (2, 1)).astype(np.float32)
    rows = rng.integers(-2, 3, (8, 9)).astype(np.float32)
    scores = -rows @ (2 * codes - 1).T + added.sum(axis=1)
    noise = rng.random(140).astype(np.float32) * 1e-6

    def score(some: Tensor, packed: Tensor, own: Tensor) -> Tensor:
        start = int((packed.data_ptr() - scored.packed.data_ptr()) / packed.shape[1])
        wrong = torch.from_numpy(noise[start : start + len(packed)])  # as a product that is rounded by its place
        return -signed_products(some, packed) + own.sum(dim=1) + wrong

    packed = Codes.pack(codes)
    scored = ScoredCodes(score, torch.from_numpy(rows), torch.from_numpy(packed.packed), torch.from_numpy(added))
    assert scored.bytes_per_item == 2 + 4 * factors
    _, where, which = np.unique(np.hstack([codes, added]), axis=0, return_index=True, return_inverse=True)
    scores = scores + noise[where[which.ravel()]]  # that of the first of equal items
    labels, near = (np.arange(8) % 3, np.arange(140) % 3), nearest(rng, 8, 140, 100)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(score_blocks, "_CPU", SMALL)
        found = ranked(scored, packed, labels, near)
    rounded: npt.NDArray[np.float32] = scores.astype(np.float32)
    expected = [by_counting(*pair) for pair in zip(rounded, labels[1] == labels[0][:, None], strict=True)]
    np.testing.assert_allclose(found.average_precision, expected)
    own, all_scores = rounded[near.owners, near.rows][:, None], rounded[near.owners]
    places = Places((all_scores < own).sum(axis=1), (all_scores == own).sum(axis=1))
    assert found.metrics["neighbours/recall@10"] == pytest.approx(kept(near, places, 10, np.array([10])).mean())
    ids, nearest_scores = scored.index().search(scored.rows, 11)
    order = scored_again(scored).argsort(axis=1, kind="stable")[:, :11]
    assert np.array_equal(ids, order)
    assert (np.diff(nearest_scores, axis=1) >= 0).all()


def by_counting(scores: npt.NDArray[np.float32], relevant: npt.NDArray[np.bool_]) -> float:
    """AP@1000 of groups of equal scores."""
    _, group = np.unique(scores, return_inverse=True)
    groups = Ranking(np.bincount(group)[None], np.bincount(group, weights=relevant).astype(np.int64)[None])
    return float(average_precision(groups, 1000)[0])


def scored_again(scored: ScoredCodes) -> npt.NDArray[np.float32]:
    return scored.score(scored.rows, scored.packed, scored.factors).numpy()


def test_scores_that_are_not_finite_are_an_error() -> None:
    codes = Codes.pack(np.ones((4, 8), dtype=np.bool_))
    rows = torch.zeros(2, 8)
    rows[1, 3] = torch.nan
    with pytest.raises(ValueError, match="not finite"):
        ranked(asymmetric_codes(rows, codes), codes, (None, None), None)


@pytest.mark.parametrize(("k", "share"), [(1, 0), (2, 0.5), (3, 2 / 3), (5, 0.6), (9, 0.6)])
def test_a_rank_ties_with_the_next_one_too(k: int, share: float) -> None:
    distances = torch.tensor([[0.0, 1, 1, 1, 2]])
    assert score_blocks._tied(distances, k) == pytest.approx(share)
