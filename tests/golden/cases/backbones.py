"""BGAN on the encoder families: pre-trained networks of torchvision and timm with weights by formula."""

from functools import partial
from typing import Any

from torch import nn

from hashbench.features.backbones import load_backbone
from tests.golden.cases.bgan import bgan
from tests.golden.formula import formula_weights
from tests.golden.golden import add
from tests.golden.values import Losses, Result

ITEMS = 8


def two_steps(spec: str) -> dict[str, Result]:
    """Losses of two steps of all layers: deep networks with batch norms double rounding errors every few layers."""
    results = on_network(spec, epochs=2, pretrained_rate=1e-5)
    return {name: result for name, result in results.items() if isinstance(result, Losses)}


def on_network(spec: str, **parameters: Any) -> dict[str, Result]:
    """Five steps on a network at its size, of its last layers only where it is deep."""
    backbone = load_backbone(spec, formula_weights(spec.partition("@")[0], trained=True))
    for layer in backbone.net.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0  # torch's masks are not the same in all its versions: 2.6 draws other ones than 2.14
    shifts = any(isinstance(layer, nn.BatchNorm2d) for layer in backbone.net.modules())
    return bgan(backbone, items=ITEMS, batch_statistics=shifts, **parameters)


LOW = 1e-6  # where a layer has tens of thousands of inputs, whose changes add up
FAMILIES: dict[str, dict[str, Any]] = {
    "squeezenet1_1@64": {},
    "squeezenet1_1@97": {"variant": "released", "head_warmup_epochs": 0, "views": 1, "hidden": 0},
    "mobilenet_v2@64": {"freeze": 17},
    "resnet50@64": {"freeze": 19},
    "timm:efficientnet_lite0@64": {"freeze": 18, "pretrained_rate": 2e-5},
    "alexnet@64": {"freeze": 13, "pretrained_rate": LOW},
    "vgg16@64": {"freeze": 31, "pretrained_rate": LOW},
    "vgg19@32": {"freeze": 37, "pretrained_rate": LOW},
}
SLOW = ("vgg16@64", "vgg19@32")  # gigabytes of weights
for spec, options in FAMILIES.items():
    add(
        f"backbones/{spec.replace(':', '-')}",
        partial(on_network, spec, **options),
        "nets",
        "networks",
        methods=("bgan",),
        slow=spec in SLOW,
        needs="timm" if spec.startswith("timm:") else None,
    )
for spec in ("mobilenet_v2@64", "resnet50@64"):
    add(f"backbones/whole-{spec}", partial(two_steps, spec), "nets", "networks", methods=("bgan",))
