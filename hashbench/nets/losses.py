"""Losses of deep hashing; each docstring names the reduction."""

from torch import Tensor
from torch.nn import functional


def pair_loss(codes: Tensor, similarity: Tensor, divide_by_bits: bool = True) -> Tensor:
    """mean_ij ((1/L) b_i . b_j - s_ij)^2 over all pairs of the batch, i = j among them.

    This is BGAN's l_N (equation of the neighbourhood structure loss) divided by B^2 / 2.

    Args:
        codes: [B, L] in [-1, 1].
        similarity: [B, B] of -1 and +1.
        divide_by_bits: False leaves 1/L out, as the authors' code does: neighbours are pulled to a product of 1
            instead of L.
    """
    products = codes @ codes.T
    return (products / codes.shape[1] - similarity if divide_by_bits else products - similarity).square().mean()


def map_loss(maps: Tensor, targets: Tensor) -> Tensor:
    """Squared difference of maps [n, c, h, w]: summed over channels, averaged over positions and images.

    Of images it is BGAN's l_MSE as printed, 3 times ``functional.mse_loss``; of the discriminator's maps it is l_Per,
    c times ``functional.mse_loss``.
    """
    return (maps - targets).square().sum(1).mean()


def log_real(logits: Tensor) -> Tensor:
    """Mean log D, D the sigmoid of ``logits`` [n]."""
    return -functional.softplus(-logits).mean()


def log_fake(logits: Tensor) -> Tensor:
    """Mean log(1 - D), D the sigmoid of ``logits`` [n]."""
    return -functional.softplus(logits).mean()
