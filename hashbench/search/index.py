"""``hb.HammingIndex``: the exact k nearest codes, on CPU and GPU from one path."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.codes import Codes, as_codes
from hashbench.device import pick_device

CodesLike = Codes | npt.NDArray[np.bool_] | Tensor

_DATABASE_BLOCK = 1 << 16


class HammingIndex:
    """All codes of a database, packed, searched exhaustively.

    ``ids, distances = HammingIndex(database_codes).search(query_codes, k=100)``

    Attributes:
        bits: length of the codes.
        device: where they lie and where the search runs.
    """

    def __init__(self, database_codes: CodesLike, device: torch.device | str = "auto") -> None:
        """Take bool [n, bits] (numpy or torch, True is +1) or :class:`Codes`; device as in ``pick_device``.

        Raises:
            ValueError: codes of another shape or dtype, none at all, or no such device.
        """
        codes = as_codes(database_codes)
        if len(codes) == 0:
            raise ValueError("index: a database of 0 codes, wanted at least one")
        self.bits = codes.bits
        self.device = device if isinstance(device, torch.device) else pick_device(device)
        self._packed = torch.tensor(codes.packed, device=self.device)

    def __len__(self) -> int:
        return len(self._packed)

    @property
    def bytes_per_item(self) -> int:
        """What the index keeps for one item: the packed code."""
        return self._packed.shape[1] * self._packed.element_size()

    def search(self, query_codes: CodesLike, k: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
        """The ``k`` nearest items of each query, nearest first, of equally near ones the lower number first.

        Args:
            query_codes: bool [q, bits] or :class:`Codes`.
            k: 1 to the number of items; memory is that of one block and of the answer.

        Returns:
            ids int64 [q, k], rows of the database; distances int32 [q, k] in bits.

        Raises:
            ValueError: k is out of range, or the queries have another number of bits.
        """
        query = as_codes(query_codes)
        if query.bits != self.bits:
            raise ValueError(f"index: queries have {query.bits} bits, wanted {self.bits} as in the database")
        if not 1 <= k <= len(self):
            raise ValueError(f"index: k is {k}, wanted 1 to {len(self)}, the size of the database")
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
