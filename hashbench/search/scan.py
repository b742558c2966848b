"""The exact k nearest items by scores that are computed block by block, as an index of codes has no distances."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.util.numbers import whole_number

Score = Callable[[Tensor, slice], Tensor]
"""Scores, float32 [q, block], less is nearer, of queries [q, p] and the items of the database in these rows."""

BLOCK_PAIRS = 1 << 22


class ScanIndex:
    """All items of a database, scored exhaustively.

    Args:
        score: scores queries against a block of items.
        items: how many there are.
        bytes_per_item: what the index keeps of an item.
        device: where scores are computed.
    """

    def __init__(self, score: Score, items: int, bytes_per_item: int, device: torch.device) -> None:
        self.score, self.bytes_per_item, self.device, self._items = score, bytes_per_item, device, items

    def __len__(self) -> int:
        return self._items

    def search(self, queries: Tensor, k: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """The ``k`` nearest items of each query, nearest first, of equally near items the lower id first.

        Args:
            queries: float [q, p] on the device.
            k: 1 to the number of items.

        Returns:
            ids int64 [q, k], rows of the database; scores float32 [q, k].

        Raises:
            ValueError: k is out of range.
        """
        k = whole_number("index: k", k, 1, len(self), f"a whole number from 1 to {len(self)}, the size of the database")
        scores = torch.empty(len(queries), 0, device=self.device)
        ids = torch.empty(len(queries), 0, dtype=torch.int64, device=self.device)
        step = max(k, BLOCK_PAIRS // max(1, len(queries)))
        with torch.inference_mode():
            for start in range(0, len(self), step):
                part = slice(start, min(start + step, len(self)))
                new = torch.arange(part.start, part.stop, device=self.device).expand(len(queries), -1)
                scores = torch.cat([scores, self.score(queries, part)], dim=1)
                scores, ids = _nearest(scores, torch.cat([ids, new], dim=1), k)
            order = scores.argsort(dim=1, stable=True)
        return ids.gather(1, order).cpu().numpy(), scores.gather(1, order).cpu().numpy()


def _nearest(scores: Tensor, ids: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The ``k`` lowest scores of each row and their ids, in the order of ids, the lower ones where scores tie."""
    if scores.shape[1] <= k:
        return scores, ids
    kth = scores.kthvalue(k, dim=1, keepdim=True).values
    nearer, tied = scores < kth, scores == kth
    left = k - nearer.sum(dim=1, keepdim=True)
    rows, columns = (nearer | (tied & (tied.cumsum(dim=1) <= left))).nonzero(as_tuple=True)
    chosen = rows.view(-1, k), columns.view(-1, k)
    return scores[chosen], ids[chosen]
