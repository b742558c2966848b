"""Deep features: what a pre-trained network answers with."""

from pathlib import Path

import torch
from torch import Tensor, nn

from hashbench.dataset import Images
from hashbench.errors import UsageError
from hashbench.features import backbones, preprocessing, pretrained, timm_nets, torchvision_nets
from hashbench.features.extractor import Extractor
from hashbench.features.weights import Weights
from hashbench.util.device import repeatable

# Pixels that go through a network at a time: 8 images of 224 px on a CPU, for its caches, 256 elsewhere.
CPU_PIXELS, GPU_PIXELS = 8 * 224**2, 256 * 224**2
CODE = (backbones, preprocessing, pretrained, timm_nets, torchvision_nets)


class Deep(Extractor):
    """Features of a pre-trained network, behind its own preprocessing.

    Without a size in ``spec`` the published one: shorter side to 256, centre crop to 224, say. With "@SIZE" the largest
    centred square at that size, so that a square picture is taken whole.

    The network is loaded when the first images come, to their device.
    """

    def __init__(self, spec: str, weights: Weights, dtype: str) -> None:
        self.view = backbones.preprocessing(spec)
        name, at, _ = spec.partition("@")
        self.name, self.dtype = f"{name}@{self.view.size}" if at else name, dtype
        self._net_name, self._weights = name, weights
        self._loaded: tuple[nn.Module, torch.device] | None = None

    @property
    def weights(self) -> str:
        """Checksum (sha256, hexadecimal) of the weights.

        Raises:
            UsageError: there are none, or of another network; names the ways out.
        """
        return backbones.checked_sum(self._net_name, self._weights)

    def sources(self) -> set[Path]:
        """The files of the code that decides the answers, beside :mod:`hashbench.data.images`."""
        return super().sources() | {Path(str(module.__file__)) for module in CODE}

    def __call__(self, images: Images) -> Tensor:
        """Features [n, d] of :attr:`dtype`; float16 ones are also computed in half precision (autocast).

        Raises:
            UsageError: no weights, or weights of another network; features that are not finite.
        """
        device = images.device if isinstance(images, Tensor) else images[0].device
        pixels = CPU_PIXELS if device.type == "cpu" else GPU_PIXELS
        batch = max(1, pixels // self.view.size**2)
        net, dtype = self._net(device), getattr(torch, self.dtype)
        parts = []
        half = torch.autocast(device.type, torch.float16, enabled=dtype == torch.float16)
        with torch.inference_mode(), half, repeatable():
            for start in range(0, len(images), batch):
                pictures = self.view.pictures(images[start : start + batch])
                parts.append(net(self.view.normalised(pictures)).to(dtype))
        features = torch.cat(parts)
        if not features.isfinite().all():
            way_out = "take --features-dtype float32" if dtype == torch.float16 else "are its weights whole?"
            raise UsageError(f"features {self.name} in {self.dtype} are not finite for some images; {way_out}")
        return features

    @property
    def recipe(self) -> str:
        """What the network is shown."""
        return repr(self.view)

    def _net(self, device: torch.device) -> nn.Module:
        if self._loaded is None or self._loaded[1] != device:
            self._loaded = backbones.load_backbone(self.name, self._weights).net.to(device), device
        return self._loaded[0]
