"""Torchvision's networks up to the layer from which the hashing literature takes features.

Torchvision is imported inside functions: it takes seconds and 170 MB, which other features do not need.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import torch
from torch import nn

from hashbench.data.download import fetch
from hashbench.errors import StorageError
from hashbench.features.preprocessing import Preprocessing
from hashbench.features.pretrained import Pretrained
from hashbench.util.files import replacing
from hashbench.util.progress import Log
from hashbench.util.storage import make_folder

WEIGHTS = "IMAGENET1K_V1"  # those the literature used
PRESET = Preprocessing(224, 256, "bilinear", mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


@dataclass(frozen=True)
class TorchvisionNet(Pretrained):
    """A row of :data:`NETS`.

    Attributes:
        name: torchvision's name.
        layer: the layer of its features, for lists.
        dimension: of its features.
        sizes: allowed sides of its input, in pixels.
        cut: removes what comes after the layer.
    """

    name: str
    layer: str
    dimension: int
    sizes: range
    cut: Callable[[Any], None]

    @property
    def summary(self) -> str:
        """A line for lists."""
        return f"{self.layer}, {self.dimension}-d, torchvision's ImageNet weights, {PRESET.size} px or @SIZE"

    @property
    def preprocessing(self) -> Preprocessing:
        """The preset of these weights, the same for all networks."""
        return PRESET

    def build(self) -> tuple[nn.Module, frozenset[str]]:
        """Built on the device "meta", which takes no memory."""
        import torchvision

        with torch.device("meta"):
            net: nn.Module = torchvision.models.get_model(self.name, weights=None)
        whole = net.state_dict().keys()
        self.cut(net)
        return net, frozenset(whole - net.state_dict().keys())

    def adapt(self, net: nn.Module, size: int) -> int:  # noqa: ARG002 - all pool to a fixed size
        """The dimension; there is nothing to adapt."""
        return self.dimension

    def published_file(self, offline: bool, log: Log) -> Path:
        """The file in torch.hub's folder, under torchvision's name, which ends with the start of its sha256."""
        import torchvision

        url: str = torchvision.models.get_model_weights(self.name)[WEIGHTS].url
        file = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlsplit(url).path).name
        if file.is_file():
            return file
        remedy = f"put {file.name} into {file.parent}"
        if offline:
            raise self.no_weights(f"{file} is not there, and --offline and --dry-run fetch nothing", remedy)
        try:
            make_folder(file.parent)
            with replacing(file) as work:
                start_of_sum = file.stem.rpartition("-")[2]
                fetch(url, work, start_of_sum, self.ways_out(remedy), log, algorithm="sha256")
        except StorageError as error:
            raise self.no_weights(str(error).partition(";")[0], remedy) from error
        return file


def _to_fc7(net: Any) -> None:
    """Cut the last fully connected layer and the dropout before it."""
    last = max(index for index, layer in enumerate(net.classifier) if isinstance(layer, nn.ReLU))
    net.classifier = net.classifier[: last + 1]


def _to_pooled_resnet(net: Any) -> None:
    net.fc = nn.Identity()


def _to_pooled_mobilenet(net: Any) -> None:
    net.classifier = nn.Identity()


def _to_pooled_squeezenet(net: Any) -> None:
    """Pool the last fire module, without the convolution that classifies it."""
    net.classifier = nn.AdaptiveAvgPool2d(1)


FC7 = "fc7 after its rectifier"
POOLED = "last feature map, pooled"
# Smallest sizes: below 32 (vgg) and 63 (alexnet) a pooling layer has no input; for the others it is a choice.
NETS = {
    net.name: net
    for net in (
        TorchvisionNet("alexnet", FC7, 4096, range(63, 1025), _to_fc7),
        TorchvisionNet("mobilenet_v2", POOLED, 1280, range(32, 1025), _to_pooled_mobilenet),
        TorchvisionNet("resnet50", POOLED, 2048, range(32, 1025), _to_pooled_resnet),
        TorchvisionNet("squeezenet1_1", "last fire module, pooled", 512, range(32, 1025), _to_pooled_squeezenet),
        TorchvisionNet("vgg16", FC7, 4096, range(32, 1025), _to_fc7),
        TorchvisionNet("vgg19", FC7, 4096, range(32, 1025), _to_fc7),
    )
}
