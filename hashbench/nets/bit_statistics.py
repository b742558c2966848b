"""Balance, correlation and variety of the bits of an epoch's codes."""

import torch
from torch import Tensor


class BitStatistics:
    """Collects the codes of an epoch on the device, each as it was when its batch was trained on.

    Args:
        n: number of training items.
        bits: code length.
        device: where the codes are.
    """

    def __init__(self, n: int, bits: int, device: torch.device) -> None:
        self.codes = torch.zeros(n, bits, dtype=torch.bool, device=device)
        self.seen = torch.zeros(n, dtype=torch.bool, device=device)

    def add(self, rows: Tensor, codes: Tensor) -> None:
        """Add the codes of the items ``rows``, float [B, bits]; of an item that is there twice, either is kept."""
        self.codes[rows] = codes.detach() >= 0
        self.seen[rows] = True

    def summary(self) -> dict[str, Tensor]:
        """Statistics over the items seen, each a tensor of one element; the next epoch starts empty.

        "imbalance": mean over bits of |mean of -1 and +1|, 0 where every bit is balanced, 1 where all are constant.
        "correlation": mean of |correlation| over pairs of bits (a constant bit has none), 0 for a single bit.
        "unique": share of different codes among the items.
        """
        seen = self.codes[self.seen]
        signs = seen.float().mul_(2).sub_(1)
        mean = signs.mean(0)
        deviation = (1 - mean.square()).sqrt()
        covariance = signs.T @ signs / len(signs) - torch.outer(mean, mean)
        scale = torch.outer(deviation, deviation)
        correlations = torch.where(scale > 0, covariance / scale, 0).abs()
        pairs = max(len(mean) * (len(mean) - 1), 1)
        self.seen.zero_()
        return {
            "imbalance": mean.abs().mean(),
            "correlation": (correlations.sum() - correlations.diagonal().sum()) / pairs,
            "unique": torch.tensor(len(torch.unique(seen, dim=0)) / len(seen)),
        }
