"""The nearest neighbours of every item by cosine, exact."""

import torch
from torch import Tensor

MIN_LENGTH = 1e-12  # squares of shorter vectors underflow; they count as zeros
MAX_TILE_ITEMS = 2048  # rows and columns of a tile of cosines: 16 MB


def nearest(features: Tensor, count: int) -> Tensor:
    """The ``count`` nearest others of every item by cosine, nearest first, among equals the lower index first.

    Cosines are computed tile by tile, each pair of items once: memory grows with n. An item of zeros has cosine 0 to
    all.

    Args:
        features: float [n, d], finite; compared in float32.
        count: 1 to n - 1.

    Returns:
        Int64 [n, count] on the device of ``features``.

    Raises:
        ValueError: ``count`` is out of range, a feature is NaN or infinite, or an item's length is above float32.
    """
    n = len(features)
    if not 1 <= count < n:
        raise ValueError(f"{count} neighbours of {n} items: wanted 1 to {n - 1}")
    tiles = -(-n // MAX_TILE_ITEMS)
    side = -(-n // tiles)  # tiles of one shape: equal items then have equal cosines, whichever tile they are in
    unit = _unit(features, -(-n // side) * side)
    best = unit.new_full((n, count), -torch.inf)
    columns = torch.zeros(n, count, dtype=torch.int64, device=unit.device)
    for top in range(0, n, side):
        rows = slice(top, top + side)
        for left in range(top, n, side):
            others = slice(left, left + side)
            cosines = (unit[rows] @ unit[others].T)[: n - top, : n - left]
            if left == top:
                cosines.fill_diagonal_(-torch.inf)
            else:
                _merge(best[others], columns[others], cosines.T.contiguous(), top)
            _merge(best[rows], columns[rows], cosines, left)
    return columns


def _unit(features: Tensor, height: int) -> Tensor:
    """Float32 [height, d]: the features scaled to length 1, then rows of zeros."""
    unit = torch.zeros(height, features.shape[1], device=features.device)
    unit[: len(features)] = features
    lengths = torch.linalg.vector_norm(unit, dim=1, keepdim=True)
    if not torch.isfinite(lengths).all():
        raise ValueError("neighbours: features contain NaN, infinity or an item too long for float32")
    unit /= lengths.clamp_min(MIN_LENGTH)
    return unit


def _merge(best: Tensor, columns: Tensor, cosines: Tensor, first: int) -> None:
    """Merge the largest of ``cosines``, whose columns begin at ``first``, into the ``best`` of lower columns."""
    count = best.shape[1]
    rows = (cosines.amax(1) > best[:, -1]).nonzero()[:, 0]  # one that equals the last comes behind it
    largest, indices = _largest(cosines[rows], count)
    joined = torch.cat([best[rows], largest], dim=1)
    order = joined.sort(dim=1, descending=True, stable=True).indices[:, :count]
    best[rows] = joined.gather(1, order)
    columns[rows] = torch.cat([columns[rows], indices + first], dim=1).gather(1, order)


def _largest(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The ``count`` largest of each row, or all, with their columns: largest first, among equals the lower column."""
    best, columns = values.topk(min(count + 1, values.shape[1]), dim=1)
    tied = (best[:, 1:] == best[:, :-1]).any(1).nonzero()[:, 0]  # topk takes any of several equals
    columns[tied] = values[tied].sort(dim=1, descending=True, stable=True).indices[:, : columns.shape[1]]
    return best[:, :count], columns[:, :count]
