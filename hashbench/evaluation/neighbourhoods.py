"""Pairs of items that are taken as similar, compared with the labels: precision and coverage."""

import numpy as np
import torch
from torch import Tensor

from hashbench.evaluation.relevance import MultiHot

Quality = dict[str, float | None]

BLOCK_PAIRS = 1 << 20
BLOCK_CELLS = 1 << 22  # of a matrix of label rows
WORD_BYTES = 8


def neighbourhood_quality(rows: Tensor, columns: Tensor, labels: MultiHot) -> Quality:
    """How pairs of items agree with "shares at least one label", the relevance of the evaluation.

    All pairs are ordered, an item is no pair with itself, and one without labels is relevant to none. Memory: blocks
    of fixed size beside a few bytes per label.

    Args:
        rows: int64 [pairs], on any device.
        columns: the same; all pairs differ.
        labels: bool [n, classes], multi-hot.

    Returns:
        per_item: pairs divided by n;
        precision: share of the pairs that share a label, None without pairs;
        coverage: share of all n (n - 1) pairs sharing a label that are among these, None where there are none;
        chance: share of all n (n - 1) pairs that share a label, None for one item.

    Raises:
        ValueError: ``rows`` and ``columns`` are not of one length, or a pair is of an item and itself.
    """
    if rows.shape != columns.shape:
        raise ValueError(f"pairs: {len(rows)} rows and {len(columns)} columns, wanted as many of each")
    n, pairs = len(labels), len(rows)
    right, relevant = _right(rows, columns, labels), _relevant(labels)
    return {
        "per_item": pairs / n,
        "precision": right / pairs if pairs else None,
        "coverage": right / relevant if relevant else None,
        "chance": relevant / (n * (n - 1)) if n > 1 else None,
    }


def _right(rows: Tensor, columns: Tensor, labels: MultiHot) -> int:
    """How many of the pairs share a label."""
    packed = np.packbits(labels, axis=1)
    padded = np.pad(packed, ((0, 0), (0, -packed.shape[1] % WORD_BYTES)))
    words = torch.from_numpy(padded).view(torch.int64).to(rows.device)
    right = own = torch.zeros((), dtype=torch.int64, device=rows.device)
    for some, others in zip(torch.split(rows, BLOCK_PAIRS), torch.split(columns, BLOCK_PAIRS), strict=True):
        right = right + (words[some] & words[others]).ne(0).any(1).sum()
        own = own + (some == others).sum()
    if own:
        raise ValueError(f"pairs: {own} are of an item and itself, wanted pairs of different items")
    return int(right)


def _relevant(labels: MultiHot) -> int:
    """How many of all ordered pairs of different items share a label, from how often each row of labels occurs."""
    packed, counts = np.unique(np.packbits(labels, axis=1), axis=0, return_counts=True)
    hot = torch.from_numpy(np.unpackbits(packed, axis=1)).float()
    often = torch.from_numpy(counts).double()
    step, total = max(1, BLOCK_CELLS // len(hot)), 0
    for some, times in zip(torch.split(hot, step), torch.split(often, step), strict=True):
        share = (some @ hot.T > 0).double()
        total += int(times @ share @ often)  # exact: below 2^53
    return total - int(labels.any(1).sum())  # every item with labels shares them with itself
