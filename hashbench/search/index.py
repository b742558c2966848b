"""``hb.HammingIndex``: the exact k nearest codes, on CPU and GPU."""

from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import torch

from hashbench.codes import Codes, CodesLike, as_codes
from hashbench.search.dispatch import backend_for
from hashbench.search.index_file import read_codes, write_codes
from hashbench.util.device import pick_device
from hashbench.util.numbers import whole_number


class HammingIndex:
    """All codes of a database, packed, searched exhaustively.

    ``ids, distances = HammingIndex(database_codes).search(query_codes, k=100)``

    ``index.save("codes.safetensors")``, ``HammingIndex.load("codes.safetensors")``

    Attributes:
        bits: length of the codes.
        device: where the codes lie and the search runs: on a CPU by compiled kernels on as many threads as torch
            uses, on an NVIDIA GPU by Triton's, elsewhere by torch.
        bytes_per_item: size of one item's code. On a CPU the index also keeps a small sample, about sqrt(n / 512)
            times 512 of n items.
    """

    def __init__(
        self, database_codes: CodesLike, device: torch.device | str = "auto", *, bits: int | None = None
    ) -> None:
        """Index bool [n, bits] (numpy or torch, True is +1), :class:`Codes`, or packed codes.

        Args:
            database_codes: the codes; packed ones are uint8 [n, ceil(bits / 8)], the first bit highest.
            device: as in ``pick_device``.
            bits: code length, where codes are packed.

        Raises:
            ValueError: codes of another shape or dtype, none at all, or no such device.
        """
        codes = as_codes(database_codes, bits)
        if len(codes) == 0:
            raise ValueError("index: a database of 0 codes, wanted at least one")
        self.bits = codes.bits
        self.device = device if isinstance(device, torch.device) else pick_device(device)
        self.bytes_per_item = codes.packed.shape[1]
        self._items = len(codes)
        self._index = backend_for(self.device, "topk").index(codes)

    def save(self, file: str | Path) -> None:
        """Write the codes to a .safetensors file, whole or not at all; what was there is replaced.

        Raises:
            UsageError: another ending, or the folder cannot be written to.
        """
        write_codes(Codes(self._index.packed(), self.bits), Path(file))

    @classmethod
    def load(cls, file: str | Path, device: torch.device | str = "auto") -> Self:
        """The index that :meth:`save` wrote.

        Raises:
            UsageError: there is no such file, it is damaged or something else, or no such device.
        """
        return cls(read_codes(Path(file)), device)

    def __len__(self) -> int:
        return self._items

    def search(self, query_codes: CodesLike, k: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
        """The ``k`` nearest items of each query, nearest first, of equally near items the lower id first.

        Args:
            query_codes: bool [q, bits], :class:`Codes`, or packed codes, uint8 [q, ceil(bits / 8)].
            k: 1 to the number of items. Memory is that of the result and of one block, and for each thread that of
                a million items, or 2k.

        Returns:
            ids int64 [q, k], rows of the database; distances int32 [q, k] in bits.

        Raises:
            ValueError: k is out of range, or queries and database differ in bits.
        """
        packed = getattr(query_codes, "dtype", None) in (np.uint8, torch.uint8)
        query = as_codes(query_codes, self.bits if packed else None)
        if query.bits != self.bits:
            raise ValueError(f"index: queries have {query.bits} bits, wanted {self.bits} as in the database")
        wanted = f"a whole number from 1 to {len(self)}, the size of the database"
        return self._index.topk(query, whole_number("index: k", k, 1, len(self), wanted))
