"""Which pairs of items share a label, in torch."""

import torch
from torch import Tensor

from hashbench.search.backend import LabelSide


def labels_on(labels: LabelSide, device: torch.device) -> Tensor:
    """A copy on ``device``: class numbers as int64 [n], multi-hot labels as float32 [n, classes]."""
    return torch.tensor(labels, dtype=torch.int64 if labels.ndim == 1 else torch.float32, device=device)


def share_label(query: Tensor, database: Tensor) -> Tensor:
    """Bool [q, n] of labels as :func:`labels_on` gives them; a class number is the column of that number."""
    if query.ndim == 1 and database.ndim == 1:
        return query[:, None] == database
    if query.ndim == 1:
        return database.T[query] > 0
    if database.ndim == 1:
        return query[:, database] > 0
    return query @ database.T > 0
