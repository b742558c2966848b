"""Seeds derived from names, and global random generators that are seeded inside a block and restored after it."""

import hashlib
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def derive_seed(root: int, *names: str | int | None) -> int:
    """A seed in [0, 2**63) that depends on ``root`` and ``names`` alone: adding a method changes no other's seed."""
    digest = hashlib.sha256(json.dumps([root, *names]).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


@contextmanager
def forked_generators(seed: int, device: "torch.device") -> Iterator[None]:
    """Seed the global generators (torch's on CPU and ``device``, numpy's, random's) inside, restore them outside."""
    import torch  # here, since reports derive seeds and need no torch

    numpy_state, random_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(numpy_state)  # noqa: NPY002
            random.setstate(random_state)
