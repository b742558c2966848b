"""A network's leading blocks, kept as they are while the rest trains."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def blocks(net: nn.Module) -> list[tuple[nn.Module, str]]:
    """A network's blocks in their order, each as (module that holds it, its name there); sequences are opened."""
    found: list[tuple[nn.Module, str]] = []
    for name, child in net.named_children():
        found += blocks(child) if isinstance(child, nn.Sequential) else [(net, name)]
    return found


class Trunk:
    """The first ``count`` blocks of ``net``: without gradients, in eval mode whatever the rest is in.

    Their maps of an image never change, so they can be computed once: while :meth:`bypassed`, ``net`` begins where
    the trunk ends.

    Raises:
        ValueError: ``net`` has fewer blocks than that, or no block would be left to train.
    """

    def __init__(self, net: nn.Module, count: int) -> None:
        found = blocks(net)
        if not 0 <= count < len(found):
            raise ValueError(f"freeze is {count}, wanted 0 to {len(found) - 1}: the network has {len(found)} blocks")
        self.net, self.places = net, found[:count]
        self.chain = nn.Sequential(*(owner.get_submodule(name) for owner, name in self.places))
        self.chain.requires_grad_(False)

    def __len__(self) -> int:
        return len(self.places)

    def __call__(self, pictures: Tensor) -> Tensor:
        """The trunk's maps of normalised pictures; no gradient."""
        with torch.no_grad():
            maps: Tensor = self.chain.eval()(pictures)
        return maps

    @contextmanager
    def bypassed(self) -> Iterator[None]:
        """While this lasts, ``net`` reads the trunk's maps instead of pictures."""
        kept = [owner.get_submodule(name) for owner, name in self.places]
        try:
            for owner, name in self.places:
                setattr(owner, name, nn.Identity())
            yield
        finally:
            for (owner, name), block in zip(self.places, kept, strict=True):
                setattr(owner, name, block)

    def check(self, pictures: Tensor) -> None:
        """Check that ``net`` runs through its blocks one after the other, on normalised ``pictures``.

        Raises:
            ValueError: it does something else between them, so it cannot be cut behind the trunk.
        """
        if not self.places:
            return
        self.net.eval()
        with torch.no_grad():
            whole = self.net(pictures)
            try:
                maps = self(pictures)
                with self.bypassed():
                    cut = self.net(maps)
            except RuntimeError:
                cut = torch.empty(0)
        if cut.shape != whole.shape or not torch.allclose(cut, whole, atol=1e-5):
            raise ValueError(f"freeze is {len(self)}, wanted 0: this network's blocks are no chain")
