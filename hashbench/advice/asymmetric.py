"""Ranking by <project(q), b>, the query real and the database in bits of -1 and +1."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.codes import Codes
from hashbench.evaluation.neighbours import Neighbours, Places

BLOCK_SCORES = 1 << 26  # of queries and items at a time
BLOCK_SIGNS = 1 << 24  # of unpacked bits


def asymmetric_places(neighbours: Neighbours, projected: Tensor, database: Codes, ranks: int) -> Places:
    """Where the neighbours stand in the ranking by the largest <project(q), b>, equal ones tied.

    Args:
        neighbours: of q queries.
        projected: float [q, bits] on any device, where it is computed.
        database: codes of all items.
        ranks: how many first ranks count; a neighbour that stands behind them is placed right behind them.
    """
    before, tied = np.empty_like(neighbours.rows), np.empty_like(neighbours.rows)
    step = max(1, BLOCK_SCORES // len(database))
    for start in range(0, len(neighbours), step):
        part = slice(start, min(start + step, len(neighbours)))
        listed = slice(neighbours.starts[part.start], neighbours.starts[part.stop])
        scores = _scores(projected[part].float(), database)
        before[listed], tied[listed] = _placed(neighbours.part(part), scores, min(ranks, len(database)))
    return Places(before, tied)


def _scores(projected: Tensor, database: Codes) -> Tensor:
    """Float32 [queries, items]."""
    scores = torch.empty((len(projected), len(database)), device=projected.device)
    step = max(1, BLOCK_SIGNS // database.bits)
    for start in range(0, len(database), step):
        part = slice(start, min(start + step, len(database)))
        scores[:, part] = projected @ database[part].signs(projected.device).T
    return scores


def _placed(neighbours: Neighbours, scores: Tensor, ranks: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Items before each neighbour and items tied with it, int64 [listed] each."""
    owners = torch.from_numpy(neighbours.owners).to(scores.device)
    own = scores[owners, torch.from_numpy(neighbours.rows).to(scores.device)]
    starts = torch.from_numpy(neighbours.starts).to(scores.device)
    column = torch.arange(len(owners), device=scores.device) - starts[owners]
    listed = torch.zeros((len(neighbours), int(column.max()) + 1), device=scores.device)
    listed[owners, column] = own
    best = scores.topk(ranks, dim=1).values
    ascending = best.flip(1).contiguous()
    up_to = torch.searchsorted(ascending, listed, right=True)[owners, column]
    below = torch.searchsorted(ascending, listed)[owners, column]
    last = (scores == best[:, -1:]).sum(1)  # those that tie with the last of the best, some of them perhaps behind it
    tied = torch.where(own == best[owners, -1], last[owners], (up_to - below).clamp_min(1))
    before = ranks - up_to
    return before.cpu().numpy(), tied.cpu().numpy()


class LookupScan:
    """A search of one query at a time: for each byte of a code the score of its eight bits is looked up and added."""

    def __init__(self, database: Codes) -> None:
        self.columns = np.ascontiguousarray(database.packed.T)  # a row for each byte
        signs = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(np.float32) * 2 - 1
        self.signs = np.ascontiguousarray(signs.T)

    def search(self, projected: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.int64]:
        """Rows of the ``count`` best items of a query, float32 [bits], in no order."""
        width = len(self.columns)
        padded = np.zeros(8 * width, dtype=np.float32)
        padded[: len(projected)] = projected
        table = padded.reshape(width, 8) @ self.signs
        scores = np.zeros(self.columns.shape[1], dtype=np.float32)
        for values, column in zip(table, self.columns, strict=True):
            scores += values[column]
        if count >= len(scores):
            return np.arange(len(scores))
        return np.argpartition(scores, len(scores) - count)[-count:]
