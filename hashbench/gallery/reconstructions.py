"""Pictures that a method restores from codes, and their originals."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.data.images import ImageSource, resize
from hashbench.dataset import Dataset, Items
from hashbench.execution.stored_trial import StoredCodes
from hashbench.gallery.neighbours import Rows
from hashbench.method import HashMethod, RunContext

QUERY_CHUNK = 200  # queries at a time


@dataclass(frozen=True)
class Reconstructions:
    """Originals and what their codes were turned into, float32 [n, 3, size, size] in [0, 1] on the CPU.

    Attributes:
        originals: as the method was to restore them, resized as in its training.
        restored: made of the codes alone.
        mean_error: mean squared error over all queries, pixels and channels.
        flat_error: the same for one and the same picture, the mean of all queries.
    """

    originals: Tensor
    restored: Tensor
    mean_error: float
    flat_error: float

    def errors(self) -> npt.NDArray[np.float64]:
        """Mean squared error of each, over pixels and channels: [n]."""
        return (self.originals - self.restored).double().square().mean(dim=(1, 2, 3)).numpy()


def reconstruct(
    method: HashMethod, run: RunContext, codes: StoredCodes, dataset: Dataset, queries: Rows
) -> Reconstructions | None:
    """Restore the queries in these rows, and all of them for the mean errors; None where the method restores nothing.

    The originals are the method's own images (or, for a method on features, the data set's), resized to the pictures
    it restores.
    """

    def restored(rows: Rows) -> Tensor | None:
        return method.restore(torch.from_numpy(codes.query[rows].unpack()).to(run.device))

    def originals(rows: Rows, size: int) -> Tensor:
        return _originals(method, run, dataset, codes.query_items[rows], size)

    with torch.inference_mode():
        pictures = restored(queries)
        if pictures is None:
            return None
        size = pictures.shape[-1]
        squared_error, squares = 0.0, 0.0
        total = torch.zeros(pictures.shape[1:], dtype=torch.float64, device=run.device)
        for start in range(0, len(codes.query), QUERY_CHUNK):
            rows = np.arange(start, min(start + QUERY_CHUNK, len(codes.query)))
            wanted, made = originals(rows, size).double(), restored(rows)
            assert made is not None
            squared_error += float((wanted - made).square().sum())
            squares += float(wanted.square().sum())
            total += wanted.sum(0)
        count, pixels = len(codes.query), total.numel()
        flat = squares / (count * pixels) - float((total / count).square().mean())
        shown = originals(queries, size).cpu()
    return Reconstructions(shown, pictures.float().cpu(), squared_error / (count * pixels), flat)


def _originals(method: HashMethod, run: RunContext, dataset: Dataset, items: Items, size: int) -> Tensor:
    """Float32 [n, 3, size, size] in [0, 1] on the run's device."""
    own = method.image_size(run.features) if method.traits.input == "images" else size
    images = ImageSource(dataset, items, own)[torch.arange(len(items), device=run.device)]
    return resize(images, size).float() / 255
