from pathlib import Path

import pytest
import torch
from torch import Tensor

from hashbench.data.spec import open_dataset
from hashbench.nets import neighbours
from hashbench.nets.neighbours import Similarity, neighbourhood_structure
from tests.nets.plain_neighbours import structure, tied_features
from tests.pictures import pictures

DRAWS = 4000


def dense(similarity: Similarity) -> Tensor:
    return similarity.block(torch.arange(similarity.n))


@pytest.fixture
def similarity(generator: torch.Generator) -> Similarity:
    """Of 80 items, with rows of different lengths."""
    return neighbourhood_structure(torch.randn(80, 10, generator=generator), 5, 7)


# The matrix


@pytest.mark.parametrize(("k1", "k2"), [(3, 4), (5, 1), (6, 30), (1, 2)])
@pytest.mark.parametrize("expansion", [True, False])
@pytest.mark.parametrize("tied", [True, False])
def test_structure_is_the_papers_on_sets(
    k1: int, k2: int, expansion: bool, tied: bool, generator: torch.Generator
) -> None:
    x = tied_features(generator) if tied else torch.randn(50, 6, generator=generator)
    assert torch.equal(dense(neighbourhood_structure(x, k1, k2, expansion)), structure(x, k1, k2, expansion))


def test_structure_does_not_depend_on_the_blocks(monkeypatch: pytest.MonkeyPatch, generator: torch.Generator) -> None:
    x = torch.randn(50, 6, generator=generator)
    whole = neighbourhood_structure(x, 4, 6)
    monkeypatch.setattr(neighbours, "CHUNK_ROWS", 11)
    assert torch.equal(neighbourhood_structure(x, 4, 6).keys, whole.keys)


def test_structure_is_symmetric_with_a_positive_diagonal(similarity: Similarity) -> None:
    s = dense(similarity)
    assert torch.equal(s, s.T)
    assert s.diagonal().eq(1).all()
    assert set(s.flatten().tolist()) == {-1.0, 1.0}
    assert len(similarity.keys) / similarity.n == s.eq(1).sum().item() / 80


@pytest.mark.parametrize("expansion", [True, False])
def test_keys_ascend(expansion: bool, generator: torch.Generator) -> None:
    keys = neighbourhood_structure(torch.randn(80, 10, generator=generator), 5, 7, expansion).keys
    assert keys.dtype == torch.int64
    assert (keys.diff() > 0).all()


def test_constant_features_are_all_ties() -> None:
    x = torch.ones(30, 4)
    assert torch.equal(dense(neighbourhood_structure(x, 3, 4)), structure(x, 3, 4))


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
    rows, columns = similarity.pairs()
    assert len(similarity.keys) / similarity.n == pytest.approx(132, abs=2)
    assert (classes[rows] == classes[columns]).float().mean().item() == pytest.approx(0.72, abs=0.01)


# What is read from it


def test_a_block_is_the_rows_and_columns_of_the_whole(similarity: Similarity, generator: torch.Generator) -> None:
    rows = torch.randperm(80, generator=generator)[:13]
    assert torch.equal(similarity.block(rows), dense(similarity)[rows][:, rows])


def test_a_batch_waits_for_no_device(similarity: Similarity, generator: torch.Generator) -> None:
    """Tensors without content have shapes and no values: whoever needs a value fails on them."""
    hollow, rows = Similarity(similarity.keys.to("meta"), 80), torch.arange(13, device="meta")
    assert hollow.block(rows).shape == (13, 13)
    assert hollow.neighbours_of(rows, 4, generator).shape == (13, 4)


def test_pairs_are_the_entries_off_the_diagonal(similarity: Similarity) -> None:
    rows, columns = similarity.pairs()
    assert rows.dtype == columns.dtype == torch.int64
    wanted = dense(similarity).fill_diagonal_(-1).eq(1).nonzero()
    assert torch.equal(torch.stack([rows, columns], dim=1), wanted)


def test_neighbours_are_drawn_among_the_others_with_equal_chances(
    similarity: Similarity, generator: torch.Generator
) -> None:
    rows = torch.tensor([0, 79, 41, 41])
    drawn = similarity.neighbours_of(rows, DRAWS, generator)
    assert drawn.dtype == torch.int64
    for row, columns in zip(rows.tolist(), drawn, strict=True):
        others = dense(similarity)[row].eq(1).nonzero()[:, 0].tolist()
        others.remove(row)
        unique, often = columns.unique(return_counts=True)
        assert unique.tolist() == others
        expected = DRAWS / len(others)
        assert ((often - expected).abs() < 5 * expected**0.5).all()
    assert not torch.equal(drawn[2], drawn[3])


def test_draws_come_from_the_generator_alone(similarity: Similarity) -> None:
    rows, before = torch.arange(80), torch.random.get_rng_state()
    first, again, other = (similarity.neighbours_of(rows, 3, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_who_has_no_neighbour_gets_himself(generator: torch.Generator) -> None:
    """Items 0 and 2 are near each other, 1 and 3 are near nobody."""
    similarity = Similarity(torch.tensor([0, 2, 5, 8, 10, 15]), 4)
    assert similarity.neighbours_of(torch.arange(4), 3, generator).tolist() == [[2] * 3, [1] * 3, [0] * 3, [3] * 3]
    assert similarity.pairs()[0].tolist() == [0, 2]
