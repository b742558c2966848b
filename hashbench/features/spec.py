"""Extractors by spec: "gist", "pixels@16", "resnet50", "squeezenet1_1@128", "timm:NAME"."""

import inspect

import torch

from hashbench.errors import unknown
from hashbench.features.backbones import is_backbone
from hashbench.features.deep import Deep
from hashbench.features.extractor import Extractor
from hashbench.features.gist import Gist
from hashbench.features.lite_nets import LITE_NETS
from hashbench.features.networks import asked_size, net_name
from hashbench.features.pixels import Pixels
from hashbench.features.timm_nets import PREFIX, SUMMARY
from hashbench.features.torchvision_nets import NETS
from hashbench.features.vectors import VectorsAsTheyAre
from hashbench.features.weights import Weights

WITHOUT_NETWORK: dict[str, type[Extractor]] = {"gist": Gist, "pixels": Pixels, "vectors": VectorsAsTheyAre}
PIXEL_SIZES = range(1, 1025)


def summaries() -> dict[str, str]:
    """A line about each, by name, sorted."""
    lines = {
        name: (inspect.getdoc(kind) or "").partition("\n")[0].rstrip(".") for name, kind in WITHOUT_NETWORK.items()
    }
    lines |= {name: net.summary for name, net in NETS.items()}
    lines |= {name: net.summary for name, net in LITE_NETS.items()}
    return dict(sorted({**lines, f"{PREFIX}NAME": SUMMARY}.items()))


def extractor_class(spec: str) -> type[Extractor]:
    """The extractor's class; reads no weights.

    Raises:
        UsageError: unknown name.
    """
    name = net_name(spec)
    if name not in WITHOUT_NETWORK and not is_backbone(name):
        raise unknown("features", name, summaries())
    return WITHOUT_NETWORK.get(name, Deep)


def extractor(spec: str, weights: Weights = Weights(), dtype: str = "float32") -> Extractor:  # noqa: B008 - immutable
    """The extractor that ``spec`` names: a name, or a name and the side of its input in pixels, "pixels@16".

    Args:
        spec: see :func:`summaries`.
        weights: where a network's weights come from; read when they are needed.
        dtype: of a network's features, "float32", "float16" or "bfloat16"; other features are float32.

    Raises:
        UsageError: unknown name, or a size that is not allowed.
    """
    kind = extractor_class(spec)
    if kind is Deep:
        return Deep(spec, weights, dtype)
    if kind is Pixels:
        return Pixels(asked_size(spec, PIXEL_SIZES))
    asked_size(spec, range(0))
    return VectorsAsTheyAre() if kind is VectorsAsTheyAre else Gist()


def features_dtype(asked: str, device: torch.device) -> str:
    """The dtype of features on ``device``: for "auto" half precision on a GPU, else float32; others stay."""
    if asked != "auto":
        return asked
    return "float16" if device.type == "cuda" else "float32"
