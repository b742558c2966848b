"""Maps of a network's leading blocks, which a method leaves as they are, as features to be cached."""

import torch
from torch import Tensor, nn

from hashbench.data.images import image_batch, normalise, resize, three_channels
from hashbench.dataset import Images
from hashbench.errors import UsageError
from hashbench.features import backbones
from hashbench.features.extractor import Extractor
from hashbench.features.frozen_layers import FrozenLayers
from hashbench.features.networks import net_name, network
from hashbench.features.weights import Weights
from hashbench.util.device import repeatable


class FrozenMaps(Extractor):
    """Maps of the leading blocks of a network, flattened: float16 of what float32 computes.

    Of the whole image squeezed to a square, as encoders read it.

    Args:
        spec: of the network, "efficientnet_lite0@128".
        blocks: how many blocks lead.
        weights: where its weights come from.
    """

    part = "nets"  # whose version is in the fingerprint of methods that leave blocks as they are
    version = 1  # of the maps in the cache; goes up with that of nets where these change

    def __init__(self, spec: str, blocks: int, weights: Weights) -> None:
        self.inputs = backbones.preprocessing(spec)
        self.spec, self.blocks, self.name = spec, blocks, f"{spec}-blocks-{blocks}"
        self._weights = weights
        self._loaded: tuple[nn.Module, Tensor, Tensor] | None = None

    @property
    def kept_dtype(self) -> str:
        """The dtype of the maps."""
        return "float16"

    @property
    def weights(self) -> str:
        """Checksum (sha256, hexadecimal) of the network's weights."""
        return backbones.checked_sum(net_name(self.spec), self._weights)

    @property
    def configuration(self) -> str:
        """Normalisation and size."""
        return f"{self.inputs.size} px, {self.inputs.mean}, {self.inputs.std}"

    def shape(self, device: torch.device) -> torch.Size:
        """[c, h, w] of an image's maps."""
        blank = torch.zeros(1, 3, self.inputs.size, self.inputs.size, dtype=torch.uint8, device=device)
        return self._maps(blank).shape[1:]

    def __call__(self, images: Images) -> Tensor:
        """Float16 [n, c * h * w].

        Raises:
            Incompatible: the network cannot be cut there.
            UsageError: no weights, or weights of another network; maps that float16 cannot hold.
        """
        squares = three_channels(resize(images, self.inputs.size))
        batch = image_batch(self.inputs.size, squares.device)
        maps = torch.cat([self._maps(part).flatten(1) for part in torch.split(squares, batch)])
        if not maps.isfinite().all():
            raise UsageError(f"maps {self.name} are not finite for some images; are its weights whole?")
        return maps

    def _maps(self, images: Tensor) -> Tensor:
        chain, mean, std = self._chain(images.device)
        with torch.inference_mode(), repeatable():
            maps: Tensor = chain(normalise(images, mean, std))
        return maps.half()

    def _chain(self, device: torch.device) -> tuple[nn.Module, Tensor, Tensor]:
        if self._loaded is None or self._loaded[1].device != device:
            backbone = backbones.load_backbone(self.spec, self._weights)
            frozen = FrozenLayers(network(net_name(self.spec)).folded(backbone.net), self.blocks)
            frozen.check(torch.zeros(1, 3, backbone.size, backbone.size))
            mean, std = (
                torch.tensor(values, device=device).view(1, 3, 1, 1) for values in (backbone.mean, backbone.std)
            )
            self._loaded = frozen.chain.eval().to(device), mean, std
        return self._loaded
