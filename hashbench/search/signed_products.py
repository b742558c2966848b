"""Products of real queries with codes in {-1, +1}: the scores of an asymmetric ranking."""

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

COLUMNS = 32  # queries at a time: their tables stay in a cache
_LANES = 16  # tables are padded to whole vectors, which are added much faster than single numbers
_BYTES = 256


def signed_products(queries: Tensor, packed: Tensor) -> Tensor:
    """<q, b> of every query and every code, float32 [q, n].

    Each byte of a code looks up what its eight bits add, so a code is never unpacked. A product is the same number
    whatever other queries and codes stand beside it.

    Args:
        queries: float [q, bits].
        packed: uint8 [n, ceil(bits / 8)], the first bit highest; bit 1 is +1 and 0 is -1.
    """
    if not len(queries) or not len(packed):
        return torch.zeros(len(queries), len(packed), device=queries.device)
    places = packed.int() + _BYTES * torch.arange(packed.shape[1], dtype=torch.int32, device=packed.device)
    products = [
        embedding_bag(places, _tables(some, packed.shape[1]), mode="sum")[:, : len(some)].T
        for some in torch.split(queries.float(), COLUMNS)
    ]
    return torch.cat(products)


def _tables(queries: Tensor, width: int) -> Tensor:
    """Float32 [256 width, q]: what each value of each byte of a code adds to the product with each query."""
    padded = torch.zeros(-(-len(queries) // _LANES) * _LANES, 8 * width, device=queries.device)
    padded[: len(queries), : queries.shape[1]] = queries
    values = torch.arange(_BYTES, device=queries.device)
    bits = (values[:, None] >> torch.arange(7, -1, -1, device=queries.device)) & 1
    tables = torch.einsum("qbs,vs->bvq", padded.view(len(padded), width, 8), 2.0 * bits - 1)
    return tables.reshape(_BYTES * width, len(padded)).contiguous()
