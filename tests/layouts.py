"""Memory layouts in which the same array can come."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

LAYOUTS = ("column after column", "a transposed tensor", "every second row", "every second column", "backwards")


def laid_out(values: npt.NDArray[Any], layout: str) -> Any:
    """The same values in one of :data:`LAYOUTS`."""
    if layout == "column after column":
        return np.asfortranarray(values)
    if layout == "a transposed tensor":
        return torch.from_numpy(np.ascontiguousarray(values.T)).T
    if layout == "every second row":
        return np.repeat(values, 2, axis=0)[::2]
    if layout == "every second column":
        return np.repeat(values, 2, axis=1)[:, ::2]
    return np.ascontiguousarray(values[::-1])[::-1]
