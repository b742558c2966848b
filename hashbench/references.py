"""The two reference trials: the floor (random codes) and the ceiling (float features) of every table."""

import numpy as np
import torch
from torch import Tensor

from hashbench.codes import Codes
from hashbench.dataset import Split
from hashbench.fitting import Inputs


def random_codes(items: int, bits: int, seed: int) -> Codes:
    """Codes of independent fair bits."""
    rng = np.random.default_rng(seed)
    return Codes.pack(rng.integers(0, 2, (items, bits), dtype=np.uint8).astype(np.bool_))


def centred_features(inputs: Inputs, split: Split, device: torch.device) -> tuple[Tensor, Tensor]:
    """Query and database features less the training mean, float32 [n, d]; their cosine is the float ranking."""
    mean = inputs.feature_rows(split.train, device).double().mean(dim=0).float()
    return inputs.feature_rows(split.query, device) - mean, inputs.feature_rows(split.database, device) - mean
