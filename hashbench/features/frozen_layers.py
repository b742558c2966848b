"""Freezes the leading blocks of a network while the rest trains."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from hashbench.errors import Incompatible


def blocks(net: nn.Module) -> list[tuple[nn.Module, str]]:
    """A network's blocks in their order, each as (parent module, attribute name); sequences are opened."""
    opened: list[tuple[nn.Module, str]] = []
    for name, child in net.named_children():
        opened += blocks(child) if isinstance(child, nn.Sequential) else [(net, name)]
    return opened


class FrozenLayers:
    """The first ``count`` blocks of ``net``: without gradients, always in eval mode.

    Their maps of an image never change, so they can be computed once: while they are :meth:`skipped`, ``net`` reads
    these maps.

    Raises:
        Incompatible: ``net`` has fewer blocks than that, or no block would be left to train.
    """

    def __init__(self, net: nn.Module, count: int) -> None:
        every = blocks(net)
        if not 0 <= count < len(every):
            raise Incompatible(f"freeze is {count}, wanted 0 to {len(every) - 1}: the network has {len(every)} blocks")
        self.net, self.blocks = net, every[:count]
        self.chain = nn.Sequential(*(parent.get_submodule(name) for parent, name in self.blocks))
        self.chain.requires_grad_(False)

    def __len__(self) -> int:
        return len(self.blocks)

    def __call__(self, images: Tensor) -> Tensor:
        """Maps of normalised images; no gradient."""
        with torch.no_grad():
            maps: Tensor = self.chain.eval()(images)
        return maps

    @contextmanager
    def skipped(self) -> Iterator[None]:
        """While this lasts, ``net`` reads the frozen layers' maps instead of images."""
        modules = [parent.get_submodule(name) for parent, name in self.blocks]
        try:
            for parent, name in self.blocks:
                setattr(parent, name, nn.Identity())
            yield
        finally:
            for (parent, name), module in zip(self.blocks, modules, strict=True):
                setattr(parent, name, module)

    def check(self, images: Tensor) -> None:
        """Check that ``net`` runs through its blocks one after the other, on normalised ``images``.

        Raises:
            Incompatible: it does something else between them, so it cannot be cut behind the frozen layers.
        """
        if not self.blocks:
            return
        self.net.eval()
        with torch.no_grad():
            whole = self.net(images)
            try:
                maps = self(images)
                with self.skipped():
                    cut = self.net(maps)
            except RuntimeError:
                cut = torch.empty(0)
        if cut.shape != whole.shape or not torch.allclose(cut, whole, atol=1e-5):
            raise Incompatible(
                f"freeze is {len(self)}, wanted 0: this network does not run its blocks one after the other"
            )
