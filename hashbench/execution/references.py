"""The two reference trials: the floor (random codes) and the ceiling (float features) of every table."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hashbench.codes import Codes
from hashbench.dataset import Items, Split
from hashbench.execution.training_data import TrainingData

_BLOCK_NUMBERS = 1 << 20


def random_codes(items: int, bits: int, seed: int) -> Codes:
    """Codes of independent fair bits."""
    rng = np.random.default_rng(seed)
    return Codes.pack(rng.integers(0, 2, (items, bits), dtype=np.uint8).astype(np.bool_))


@dataclass(frozen=True)
class CentredRows:
    """Features less a mean, as :class:`hashbench.evaluation.feature_rows.FeatureRows`: blocks are read on access.

    Attributes:
        inputs: the features of all items.
        items: the numbers of those whose rows these are.
        mean: float32 [d], on the device that the rows come to.
    """

    inputs: TrainingData
    items: Items
    mean: Tensor

    @property
    def dimension(self) -> int:
        """Numbers per item."""
        return len(self.mean)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, rows: slice) -> Tensor:
        return self.inputs.feature_rows(self.items[rows], self.mean.device) - self.mean


def centred_features(inputs: TrainingData, split: Split, device: torch.device) -> tuple[CentredRows, CentredRows]:
    """Query and database features less the training mean; their cosine is the float ranking."""
    mean = _mean(inputs, split.train, device).float()
    return CentredRows(inputs, split.query, mean), CentredRows(inputs, split.database, mean)


def _mean(inputs: TrainingData, items: Items, device: torch.device) -> Tensor:
    """Float64 [d], the mean row, from 2^20 numbers at a time."""
    dimension = inputs.features.shape[1]
    step = max(1, _BLOCK_NUMBERS // dimension)
    total = torch.zeros(dimension, dtype=torch.float64, device=device)
    for start in range(0, len(items), step):
        total += inputs.feature_rows(items[start : start + step], device).double().sum(dim=0)
    return total / len(items)
