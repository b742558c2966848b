"""Similarity of items by their labels, for deep supervised methods (pair and triplet losses on a batch)."""

import torch
from torch import Tensor


def label_similarity(labels: Tensor, others: Tensor | None = None) -> Tensor:
    """S of a block of pairs: +1 where two items share a label, -1 elsewhere, float32 [B, C].

    The values are those of :meth:`hashbench.nets.neighbours.Similarity.block`, so that
    :func:`hashbench.nets.losses.pair_loss` reads either. Only the block is made, never a matrix of all pairs. An item
    without labels is similar to none, itself neither.

    Args:
        labels: bool [B, classes], multi-hot, say ``train.labels[rows]`` of a batch.
        others: bool [C, classes]; None for the same items.
    """
    columns = labels if others is None else others
    shared = labels.float() @ columns.float().T  # counts up to 2^24 are exact
    return torch.where(shared > 0, 1.0, -1.0)
