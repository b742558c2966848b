"""``hb.HammingIndex``: the exact k nearest codes, on CPU and GPU."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.codes import Codes, as_codes
from hashbench.search.dispatch import backend_for
from hashbench.util.device import pick_device

CodesLike = Codes | npt.NDArray[np.bool_] | Tensor


class HammingIndex:
    """All codes of a database, packed, searched exhaustively.

    ``ids, distances = HammingIndex(database_codes).search(query_codes, k=100)``

    Attributes:
        bits: length of the codes.
        device: where the codes lie and the search runs: on a CPU by compiled kernels on as many threads as torch
            uses, elsewhere by torch.
        bytes_per_item: size of one item's code. On a CPU the index also keeps a small sample, about sqrt(n / 512)
            times 512 of n items.
    """

    def __init__(self, database_codes: CodesLike, device: torch.device | str = "auto") -> None:
        """Index bool [n, bits] (numpy or torch, True is +1) or :class:`Codes`; device as in ``pick_device``.

        Raises:
            ValueError: codes of another shape or dtype, none at all, or no such device.
        """
        codes = as_codes(database_codes)
        if len(codes) == 0:
            raise ValueError("index: a database of 0 codes, wanted at least one")
        self.bits = codes.bits
        self.device = device if isinstance(device, torch.device) else pick_device(device)
        self.bytes_per_item = codes.packed.shape[1]
        self._items = len(codes)
        self._index = backend_for(self.device, "topk").index(codes)

    def __len__(self) -> int:
        return self._items

    def search(self, query_codes: CodesLike, k: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
        """The ``k`` nearest items of each query, nearest first, of equally near items the lower id first.

        Args:
            query_codes: bool [q, bits] or :class:`Codes`.
            k: 1 to the number of items. Memory is that of the result and of one block, and for each thread that of
                a million items, or 2k.

        Returns:
            ids int64 [q, k], rows of the database; distances int32 [q, k] in bits.

        Raises:
            ValueError: k is out of range, or queries and database differ in bits.
        """
        query = as_codes(query_codes)
        if query.bits != self.bits:
            raise ValueError(f"index: queries have {query.bits} bits, wanted {self.bits} as in the database")
        if not 1 <= k <= len(self):
            raise ValueError(f"index: k is {k}, wanted 1 to {len(self)}, the size of the database")
        return self._index.topk(query, k)
