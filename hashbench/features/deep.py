"""Deep features: the outputs of pre-trained networks."""

import torch
from torch import Tensor, nn

from hashbench.data.images import batch_pixels
from hashbench.dataset import Images
from hashbench.errors import UsageError
from hashbench.features import backbones
from hashbench.features.extractor import Extractor
from hashbench.features.networks import network
from hashbench.features.weights import Weights
from hashbench.util.device import repeatable


class Deep(Extractor):
    """Features of a pre-trained network, behind its own preprocessing.

    Without a size in ``spec`` the preprocessing is the published one, such as shorter side to 256 and centre crop to
    224. With "@SIZE" it is the largest centred square at that size, so that a square image is taken whole.

    The network is loaded to the device of the first images that come.
    """

    part = "networks"
    version = 1

    def __init__(self, spec: str, weights: Weights, dtype: str) -> None:
        self.inputs = backbones.preprocessing(spec)
        name, at, _ = spec.partition("@")
        self.name, self.dtype = f"{name}@{self.inputs.size}" if at else name, dtype
        self._net_name, self._weights = name, weights
        self._loaded: tuple[nn.Module, torch.device] | None = None

    @property
    def weights(self) -> str:
        """Checksum (sha256, hexadecimal) of the weights.

        Raises:
            UsageError: no weights, or weights of another network; the message names the ways out.
        """
        return backbones.checked_sum(self._net_name, self._weights)

    def __call__(self, images: Images) -> Tensor:
        """Features [n, d] of :attr:`kept_dtype`; those of 16 bits are computed in their precision (autocast).

        Raises:
            UsageError: no weights, or weights of another network; features that are not finite.
        """
        device = images.device if isinstance(images, Tensor) else images[0].device
        batch = max(1, batch_pixels(device) // self.inputs.size**2)
        net, dtype, kept = self._net(device), getattr(torch, self.dtype), getattr(torch, self.kept_dtype)
        parts = []
        half = torch.autocast(device.type, dtype, enabled=dtype != torch.float32)
        with torch.inference_mode(), half, repeatable():
            for start in range(0, len(images), batch):
                cropped = self.inputs.cropped(images[start : start + batch])
                parts.append(net(self.inputs.normalised(cropped)).to(kept))
        features = torch.cat(parts)
        if not features.isfinite().all():
            way_out = "take --features-dtype float32" if dtype != torch.float32 else "are its weights whole?"
            raise UsageError(f"features {self.name} in {self.dtype} are not finite for some images; {way_out}")
        return features

    @property
    def configuration(self) -> str:
        """The preprocessing.

        It names the frame, so that features which were cached before there was one are not taken for these.
        """
        return repr(self.inputs) + (", in a black frame" if self.inputs.size > self.inputs.shorter_side else "")

    def _net(self, device: torch.device) -> nn.Module:
        if self._loaded is None or self._loaded[1] != device:
            net = backbones.load_backbone(self.name, self._weights).net
            self._loaded = network(self._net_name).folded(net).to(device), device
        return self._loaded[0]
