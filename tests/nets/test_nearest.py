import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from hashbench.nets import nearest as module
from hashbench.nets.nearest import nearest
from tests.evaluation.peak_memory import watched
from tests.nets.plain_neighbours import cosine_order, tied_features


@pytest.fixture(params=[64, 7, 1000], ids=["tiles of 64", "tiles of 7", "one tile"])
def tiles(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiles that divide the items evenly or not, are smaller than the count or hold all of them."""
    monkeypatch.setattr(module, "MAX_TILE_ITEMS", request.param)


@pytest.mark.usefixtures("tiles")
@pytest.mark.parametrize("count", [1, 12, 199])
def test_they_are_scikit_learns(count: int, generator: torch.Generator) -> None:
    x = torch.randn(200, 16, generator=generator)
    oracle = NearestNeighbors(n_neighbors=count, metric="cosine", algorithm="brute").fit(x.double().numpy())
    assert np.array_equal(nearest(x, count).numpy(), oracle.kneighbors()[1])


@pytest.mark.usefixtures("tiles")
@pytest.mark.parametrize("count", [1, 9, 39])
def test_among_equals_the_lower_index_comes_first(count: int, generator: torch.Generator) -> None:
    x = tied_features(generator)
    assert nearest(x, count).tolist() == [others[:count] for others in cosine_order(x)]


@pytest.mark.parametrize("tile", [16, 64, 1000])
def test_equal_items_are_equally_near(tile: int, monkeypatch: pytest.MonkeyPatch, generator: torch.Generator) -> None:
    """Of 40 different items each occurs 5 times: rounded cosines tie too, within a tile and across tiles."""
    monkeypatch.setattr(module, "MAX_TILE_ITEMS", tile)
    copies = torch.arange(200).view(5, 40)
    x = torch.randn(40, 300, generator=generator).repeat(5, 1)
    order = torch.tensor(cosine_order(x[:40]))
    rows = nearest(x, 9)
    for i in range(200):
        own = [int(j) for j in copies[:, i % 40] if j != i]
        assert rows[i].tolist() == own + copies[:, order[i % 40, 0]].tolist()


@pytest.mark.usefixtures("tiles")
def test_an_item_of_zeros_is_at_a_right_angle_to_all() -> None:
    assert nearest(torch.zeros(5, 2), 2).tolist() == [[1, 2], [0, 2], [0, 1], [0, 1], [0, 1]]
    x = torch.tensor([[1.0, 0.0], [0.0, 0.0], [-1.0, 0.1], [2.0, 0.1]])
    assert nearest(x, 3).tolist() == [[3, 1, 2], [0, 2, 3], [1, 3, 0], [0, 1, 2]]


@pytest.mark.parametrize("length", [1e-25, 1e-40])
def test_an_item_too_short_for_float32_is_no_nearer_than_one_of_zeros(length: float) -> None:
    x = torch.tensor([[1.0, 0.0], [length, 0.0], [1.0, 0.1], [1.0, 0.2]])
    assert nearest(x, 3)[:, -1].tolist() == [1, 3, 1, 1]


def test_length_does_not_matter_and_the_origin_does(generator: torch.Generator) -> None:
    x = torch.randn(60, 4, generator=generator)
    lengths = torch.rand(60, 1, generator=generator) + 0.5
    assert torch.equal(nearest(x * lengths, 5), nearest(x, 5))
    assert not torch.equal(nearest(x + 3, 5), nearest(x, 5))


def test_memory_grows_with_the_items_and_not_with_their_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_TILE_ITEMS", 256)
    n, d, count = 3000, 8, 5
    x = torch.sin(torch.arange(n * d).view(n, d) ** 2 * 0.7)
    with watched() as peak:
        nearest(x, count)
    assert 0 < peak.tensor <= max(4 * 256**2, 8 * n * count) < n**2


@pytest.mark.parametrize("count", [0, 10, 11])
def test_as_many_neighbours_as_items_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} neighbours of 10 items: wanted 1 to 9"):
        nearest(torch.eye(10), count)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, 1e30])
def test_features_without_a_direction_in_float32_are_refused(value: float) -> None:
    x = torch.eye(10)
    x[3, 3] = value
    with pytest.raises(ValueError, match="NaN, infinity or an item too long"):
        nearest(x, 2)
