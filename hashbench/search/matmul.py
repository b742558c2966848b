"""Exact search by matrix products in torch: the way of a GPU, and of a CPU without numba."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.codes import Codes

_DATABASE_BLOCK = 1 << 16


class ByProducts:
    """Packed codes on a device; blocks of them become signs whose products with the queries' are distances."""

    def __init__(self, database: Codes, device: torch.device) -> None:
        self.device = device
        self._packed = torch.tensor(database.packed, device=device)

    def __len__(self) -> int:
        return len(self._packed)

    def nearest(self, query: Codes, k: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
        """Int64 ids and int32 distances [q, k], nearest first, of equally near ones the lower number first."""
        keys = self._nearest(torch.tensor(query.packed, device=self.device), k)
        return (keys % len(self)).cpu().numpy(), (keys // len(self) // 2).int().cpu().numpy()

    def _nearest(self, query: Tensor, k: int) -> Tensor:
        """Int64 [q, k], ascending keys 2 * distance * n + id: no two are equal, so there are no ties to break."""
        pairs = 1 << (20 if self.device.type == "cpu" else 26)
        step = max(1, pairs // (min(len(self), _DATABASE_BLOCK) + k))
        parts = torch.split(self._unpack(query), step)
        best = [torch.empty(len(part), 0, dtype=torch.int64, device=self.device) for part in parts]
        for start in range(0, len(self), _DATABASE_BLOCK):
            packed = self._packed[start : start + _DATABASE_BLOCK]
            ids = torch.arange(start, start + len(packed), device=self.device)
            signs = self._unpack(packed).T
            for number, part in enumerate(parts):
                doubled = (part @ signs).neg_().add_(len(signs))
                keys = doubled.to(torch.int64).mul_(len(self)).add_(ids)
                candidates = torch.cat([best[number], keys], dim=1) if start else keys
                best[number] = candidates.topk(min(k, candidates.shape[1]), dim=1, largest=False).values
        return torch.cat(best)

    def _unpack(self, packed: Tensor) -> Tensor:
        """Float32 [n, 8 * bytes] of -1 and +1; padding bits are equal everywhere and add no distance."""
        shifts = torch.arange(7, -1, -1, dtype=torch.uint8, device=self.device)
        bits = torch.bitwise_right_shift(packed[:, :, None], shifts).bitwise_and_(1)
        return bits.flatten(1).float().mul_(2).sub_(1)
