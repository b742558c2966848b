"""Exact top-k by matrix products in torch."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.codes import Codes
from hashbench.search.backend import Index, IntArray

_BLOCK_ITEMS = 1 << 16


class MatmulIndex(Index):
    """Packed codes on a device; blocks of them become signs whose products with the queries' are distances."""

    def __init__(self, database: Codes, device: torch.device) -> None:
        self.device = device
        self._packed = torch.tensor(database.packed, device=device)

    def packed(self) -> npt.NDArray[np.uint8]:
        """See :class:`Index`."""
        packed: npt.NDArray[np.uint8] = self._packed.cpu().numpy()
        return packed

    def topk(self, queries: Codes, k: int) -> tuple[IntArray, npt.NDArray[np.int32]]:
        """See :class:`Index`."""
        items = len(self._packed)
        with torch.autocast(self.device.type, enabled=False):  # a caller's: integers need float32
            keys = self._smallest_keys(torch.tensor(queries.packed, device=self.device), k)
        return (keys % items).cpu().numpy(), (keys // items // 2).int().cpu().numpy()

    def _smallest_keys(self, queries: Tensor, k: int) -> Tensor:
        """Int64 [q, k], ascending keys 2 * distance * n + id: no two are equal, so there are no ties to break."""
        items = len(self._packed)
        pairs = 1 << (20 if self.device.type == "cpu" else 26)
        step = max(1, pairs // (min(items, _BLOCK_ITEMS) + k))
        parts = torch.split(self._unpack(queries), step)
        best = [torch.empty(len(part), 0, dtype=torch.int64, device=self.device) for part in parts]
        for start in range(0, items, _BLOCK_ITEMS):
            packed = self._packed[start : start + _BLOCK_ITEMS]
            ids = torch.arange(start, start + len(packed), device=self.device)
            signs = self._unpack(packed).T
            for number, part in enumerate(parts):
                doubled = (part @ signs).neg_().add_(len(signs))
                keys = doubled.to(torch.int64).mul_(items).add_(ids)
                candidates = torch.cat([best[number], keys], dim=1) if start else keys
                best[number] = candidates.topk(min(k, candidates.shape[1]), dim=1, largest=False).values
        return torch.cat(best)

    def _unpack(self, packed: Tensor) -> Tensor:
        """Float32 [n, 8 * bytes] of -1 and +1; padding bits are equal everywhere and add no distance."""
        shifts = torch.arange(7, -1, -1, dtype=torch.uint8, device=self.device)
        bits = torch.bitwise_right_shift(packed[:, :, None], shifts).bitwise_and_(1)
        return bits.flatten(1).float().mul_(2).sub_(1)
