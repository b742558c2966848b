"""The backend for GPUs: bit planes, and kernels compiled by Triton."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.codes import Codes
from hashbench.search.backend import Gains, Index, IntArray, LabelPair
from hashbench.search.matmul import MatmulBackend
from hashbench.search.triton_counting import count, labelled, query_masks, query_step
from hashbench.search.triton_index import TritonIndex
from hashbench.search.word_planes import code_planes


class TritonBackend(MatmulBackend):
    """Compares 32 items at a time in each thread; pairs of bits are counted as torch's backend does."""

    def histograms(self, queries: Codes, database: Codes, labels: LabelPair) -> tuple[IntArray, IntArray]:
        """See :class:`Backend`."""
        items, hits = self._levels(queries, database, labels, 1)
        return items, hits

    def graded_histograms(
        self, queries: Codes, database: Codes, labels: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]
    ) -> tuple[IntArray, IntArray, Gains]:
        """See :class:`Backend`."""
        own = np.count_nonzero(labels[0], axis=1)
        most = int(own.max())
        items, *at_least = self._levels(queries, database, labels, max(most, 1))
        hits = at_least[0]
        shared, exponential = np.zeros_like(items), np.zeros(items.shape)
        for level, counts in enumerate(at_least, 1):
            shared += counts
            exactly = counts - at_least[level] if level < len(at_least) else counts
            worth = np.exp2(level - own.astype(np.float64)) - np.exp2(-own.astype(np.float64))
            exponential += exactly * worth[:, None]
        sums = np.stack([counts.sum(axis=1) for counts in at_least], axis=1)[:, :most]
        return items, hits, Gains(shared, exponential, sums, own)

    def index(self, database: Codes) -> Index:
        """See :class:`Backend`."""
        return TritonIndex(database, self.device)

    def _levels(self, queries: Codes, database: Codes, labels: LabelPair, most: int) -> list[IntArray]:
        """Int64 [q, bits + 1] each: all items, and those that share 1, 2, ... ``most`` labels or more."""
        planes = code_planes(torch.tensor(database.packed, device=self.device))
        pair, codes = labelled(labels, self.device), query_masks(queries, self.device)
        step = query_step(planes, queries.bits)
        parts: list[list[Tensor]] = []
        for start in range(0, len(codes), step):
            part = slice(start, start + step)
            both = count(planes, codes[part], queries.bits, pair.part(part))
            tables = [both.items, both.hits]
            for level in range(2, most + 1):
                tables.append(count(planes, codes[part], queries.bits, pair.part(part), level=level, every=False).hits)
            parts.append([table.sum(dim=0) for table in tables if table is not None])
        return [torch.cat(same)[: len(queries)].cpu().numpy() for same in zip(*parts, strict=True)]
