"""Arrays and tensors that users give, as numpy's."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


def as_numpy(values: Any) -> npt.NDArray[Any]:
    """An array as it is; a tensor's values without gradient, from any device, bfloat16 as float32.

    Nothing is copied that numpy can read where it lies.
    """
    if not isinstance(values, Tensor):
        return np.asarray(values)
    plain = values.detach()
    plain = plain.to_dense() if plain.layout != torch.strided else plain
    plain = plain.float() if plain.dtype == torch.bfloat16 else plain
    array: npt.NDArray[Any] = plain.resolve_conj().resolve_neg().cpu().numpy()
    return array
