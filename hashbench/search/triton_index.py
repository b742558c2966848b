"""Exact top-k by Triton kernels: the distance of the k-th item from a histogram, then the items up to it, sorted."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.codes import Codes
from hashbench.search.backend import Index, IntArray
from hashbench.search.triton_counting import PROGRAM_QUERIES, count, no_labels, query_masks, query_step, row_constants
from hashbench.search.triton_kernels import collect_nearest
from hashbench.search.word_planes import code_planes, packed_codes

_ITEM_BITS = 32
_KEY_NUMBERS = 6  # in 4 bytes, that a key of a query and its copy in the sort take


class TritonIndex(Index):
    """The bits of all codes as planes, as large as the packed codes."""

    def __init__(self, database: Codes, device: torch.device) -> None:
        self._planes = code_planes(torch.tensor(database.packed, device=device))

    def packed(self) -> npt.NDArray[np.uint8]:
        """See :class:`Index`."""
        packed: npt.NDArray[np.uint8] = packed_codes(self._planes).numpy()
        return packed

    def topk(self, queries: Codes, k: int) -> tuple[IntArray, npt.NDArray[np.int32]]:
        """See :class:`Index`."""
        codes = query_masks(queries, self._planes.words.device)
        ids, distances = np.empty((len(queries), k), dtype=np.int64), np.empty((len(queries), k), dtype=np.int32)
        step = query_step(self._planes, queries.bits, _KEY_NUMBERS * k)
        for start in range(0, len(queries), step):
            part = slice(start, min(start + step, len(queries)))
            keys = self._keys(codes[start : start + step], queries.bits, k)[: part.stop - start]
            ids[part] = (keys & (1 << _ITEM_BITS) - 1).cpu().numpy()
            distances[part] = (keys >> _ITEM_BITS).int().cpu().numpy()
        return ids, distances

    def _keys(self, codes: Tensor, bits: int, k: int) -> Tensor:
        """Int64 [q, k], ascending keys 2^32 distance + id: no two are equal, so there are no ties to break."""
        planes = self._planes
        counts = count(planes, codes, bits, no_labels(planes, codes)).items
        assert counts is not None
        limits = (counts.sum(dim=0).cumsum(dim=1) < k).sum(dim=1)
        within = torch.arange(bits + 1, device=codes.device) < limits[:, None]
        nearer = (counts * within).sum(dim=2)
        tied = counts.gather(2, limits.expand(len(counts), -1)[:, :, None])[:, :, 0]
        starts = nearer.cumsum(dim=0) - nearer, nearer.sum(dim=0) + tied.cumsum(dim=0) - tied
        keys = torch.empty(len(codes), k, dtype=torch.int64, device=codes.device)
        with torch.cuda.device_of(codes):  # type: ignore[no-untyped-call]
            collect_nearest[(len(codes) // PROGRAM_QUERIES, len(counts))](
                planes.words,
                codes,
                limits.int(),
                *(start.int() for start in starts),
                planes.tiles,
                planes.items,
                k,
                keys,
                **row_constants(planes.rows),
                num_warps=PROGRAM_QUERIES,
            )
        return keys.sort(dim=1).values
