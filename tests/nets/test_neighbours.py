from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from hashbench.dataset_spec import open_dataset
from hashbench.nets import neighbours
from hashbench.nets.neighbours import Similarity, nearest, neighbourhood_structure
from tests.pictures import pictures


def cosine_order(features: Tensor) -> list[list[int]]:
    """All others of each item, nearest first, equals by index: in plain Python."""
    x = features.double()
    norms = x.norm(dim=1)
    order = []
    for i in range(len(x)):
        ranked = []
        for j in range(len(x)):
            cosine = float(x[i] @ x[j] / (norms[i] * norms[j])) if norms[i] and norms[j] else 0.0
            if j != i:
                ranked.append((-cosine, j))
        order.append([j for _, j in sorted(ranked)])
    return order


def plain_structure(features: Tensor, k1: int, k2: int, expansion: bool = True) -> Tensor:
    """The definition, word for word, on sets."""
    n = len(features)
    near = [{i, *others[:k1]} for i, others in enumerate(cosine_order(features))]
    s = -torch.ones(n, n)
    for i in range(n):
        ranked = sorted(
            (j for j in range(n) if j != i and near[i] & near[j]), key=lambda j: (-len(near[i] & near[j]), j)
        )
        joined = [i, *ranked[: k2 - 1]] if expansion else [i]
        for j in set().union(*(near[k] for k in joined)):
            s[i, j] = s[j, i] = 1
    return s


def dense(similarity: Similarity) -> Tensor:
    return similarity.block(torch.arange(similarity.n))


def tied_features(generator: torch.Generator) -> Tensor:
    """40 vectors of -1 and +1 in 4 dimensions: all cosines exact, most of them tied, many vectors equal."""
    return torch.randint(0, 2, (40, 4), generator=generator).float() * 2 - 1


def test_nearest_agrees_with_scikit_learn(generator: torch.Generator) -> None:
    x = torch.randn(200, 16, generator=generator)
    found = NearestNeighbors(n_neighbors=12, metric="cosine", algorithm="brute").fit(x.numpy()).kneighbors()[1]
    assert np.array_equal(nearest(x, 12).numpy(), found)


def test_nearest_takes_the_lower_index_among_equals(generator: torch.Generator) -> None:
    x = tied_features(generator)
    assert nearest(x, 9).tolist() == [others[:9] for others in cosine_order(x)]


def test_nearest_does_not_depend_on_the_blocks(monkeypatch: pytest.MonkeyPatch, generator: torch.Generator) -> None:
    x = tied_features(generator)
    whole = nearest(x, 9)
    monkeypatch.setattr(neighbours, "BLOCK_ROWS", 7)
    assert torch.equal(nearest(x, 9), whole)


@pytest.mark.parametrize(("k1", "k2"), [(3, 4), (5, 1), (6, 30), (1, 2)])
@pytest.mark.parametrize("expansion", [True, False])
@pytest.mark.parametrize("tied", [True, False])
def test_structure_is_the_papers_on_sets(
    k1: int, k2: int, expansion: bool, tied: bool, generator: torch.Generator
) -> None:
    x = tied_features(generator) if tied else torch.randn(50, 6, generator=generator)
    assert torch.equal(dense(neighbourhood_structure(x, k1, k2, expansion)), plain_structure(x, k1, k2, expansion))


def test_structure_does_not_depend_on_the_blocks(monkeypatch: pytest.MonkeyPatch, generator: torch.Generator) -> None:
    x = torch.randn(50, 6, generator=generator)
    whole = neighbourhood_structure(x, 4, 6)
    monkeypatch.setattr(neighbours, "BLOCK_ROWS", 11)
    assert torch.equal(neighbourhood_structure(x, 4, 6).keys, whole.keys)


def test_structure_is_symmetric_with_a_positive_diagonal(generator: torch.Generator) -> None:
    s = dense(neighbourhood_structure(torch.randn(80, 10, generator=generator), 5, 7))
    assert torch.equal(s, s.T)
    assert s.diagonal().eq(1).all()
    assert set(s.flatten().tolist()) == {-1.0, 1.0}


def test_a_block_is_the_rows_and_columns_of_the_whole(generator: torch.Generator) -> None:
    similarity = neighbourhood_structure(torch.randn(80, 10, generator=generator), 5, 7)
    rows = torch.randperm(80, generator=generator)[:13]
    assert torch.equal(similarity.block(rows), dense(similarity)[rows][:, rows])


def test_constant_features_are_all_ties() -> None:
    x = torch.ones(30, 4)
    assert torch.equal(dense(neighbourhood_structure(x, 3, 4)), plain_structure(x, 3, 4))
    assert torch.equal(nearest(torch.zeros(5, 2), 2), torch.tensor([[1, 2], [0, 2], [0, 1], [0, 1], [0, 1]]))


@pytest.mark.parametrize("count", [0, 10, 11])
def test_as_many_neighbours_as_items_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} neighbours of 10 items: wanted 1 to 9"):
        nearest(torch.eye(10), count)


def test_features_that_are_no_numbers_are_refused() -> None:
    x = torch.eye(10)
    x[3, 3] = torch.nan
    with pytest.raises(ValueError, match="NaN"):
        neighbourhood_structure(x, 2, 3)


def test_structure_of_digits_is_as_precise_as_was_measured() -> None:
    """132 entries per row, .72 of them of one class: a prototype's figures on centred pixels and another split."""
    digits = open_dataset("digits", Path())
    train = digits.split().train
    pixels = pictures(digits, train).flatten(1).float()
    similarity = neighbourhood_structure(pixels - pixels.mean(0), 20, 30)
    classes = torch.from_numpy(digits.labels()[train].argmax(1))
    rows, columns = similarity.keys // similarity.n, similarity.keys % similarity.n
    assert similarity.per_row == pytest.approx(132, abs=2)
    assert (classes[rows] == classes[columns])[rows != columns].float().mean().item() == pytest.approx(0.72, abs=0.01)
