"""Arrays and tensors that users give, as numpy's."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.errors import UsageError


def as_numpy(values: Any) -> npt.NDArray[Any]:
    """An array as it is; a tensor's values without gradient, from any device, bfloat16 as float32.

    Nothing is copied that numpy can read where it lies.

    Raises:
        UsageError: a masked array that masks something; its values there mean nothing.
    """
    check_unmasked(values)
    if not isinstance(values, Tensor):
        return np.asarray(values)
    plain = values.detach()
    plain = plain.to_dense() if plain.layout != torch.strided else plain
    plain = plain.float() if plain.dtype == torch.bfloat16 else plain
    array: npt.NDArray[Any] = plain.resolve_conj().resolve_neg().cpu().numpy()
    return array


def check_unmasked(values: Any) -> None:
    """Check that an array is none of numpy's masked ones that mask something.

    Raises:
        UsageError: it is; the line has how many values.
    """
    if isinstance(values, np.ma.MaskedArray) and (masked := int(np.ma.getmaskarray(values).sum())):
        raise UsageError(f"{masked:,} values are masked, wanted all; fill them (.filled(0)) or take such items out")
