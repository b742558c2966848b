"""Features: pixels, GIST, and networks of each family with weights by formula, with and without a size."""

from functools import partial

import torch
from torch import Tensor

from hashbench.dataset import Images
from hashbench.features.backbones import preprocessing
from hashbench.features.spec import extractor
from tests.golden.cases.images import OWN_SIZES
from tests.golden.formula import formula_weights
from tests.golden.golden import add
from tests.golden.inputs import enlarged, stored
from tests.golden.values import Floats, Pixels, Result, array_of

CLOSE = 1e-4
RESIZED = 1e-2  # a grey value that is rounded the other way in resizing moves features by more than sums do


def photographs() -> Images:
    """Images of five sizes, grey ones among them."""
    return [stored(name) for name in OWN_SIZES]


def squares() -> Tensor:
    """Four images of 32 px."""
    return stored("images")[:4]


def digits() -> Tensor:
    """Twelve grey images of 8 px."""
    return stored("digits")[:, None] * 15


def features(spec: str, images: Images, tolerance: float = CLOSE) -> dict[str, Result]:
    """Of stored images."""
    values = extractor(spec)(images)
    return {"features": Floats(array_of(values[:, ::2]), tolerance)}


def pixels(size: int) -> dict[str, Result]:
    """Resized pixels; where a value lies between two greys, either may be taken."""
    values = extractor(f"pixels@{size}")(squares()[:2])
    assert values.dtype == torch.float32
    return {"features": Pixels(array_of((values * 255).round().to(torch.uint8)))}


def deep(spec: str, side: int, shown: int = 64) -> dict[str, Result]:
    """Some of the features by a network with weights by formula, of images whose ``side`` needs no resizing."""
    values = extractor(spec, formula_weights(spec.partition("@")[0]))(enlarged(squares(), side))
    return {"features": Floats(array_of(values[:, :: values.shape[1] // shown]), CLOSE)}


def preprocessed(spec: str) -> dict[str, Result]:
    """The crops that a network reads, every seventh row and column, and the same normalised."""
    inputs = preprocessing(spec)
    cropped = inputs.cropped(photographs())
    assert isinstance(cropped, Tensor)
    return {
        "cropped": Pixels(array_of(cropped[..., ::7, ::7])),
        "normalised": Floats(array_of(inputs.normalised(torch.full_like(cropped[:1, :, :2, :2], 100))), 1e-6),
    }


NETS = (
    "alexnet@64",
    "mobilenet_v2@64",
    "resnet50@64",
    "squeezenet1_1@64",
    "vgg16@64",
    "vgg19@32",
    "timm:efficientnet_lite0@64",
    "efficientnet_lite0@64",
)
SLOW = ("vgg16@64", "vgg19@32")  # gigabytes of weights
add("pixels/own-size", partial(features, "pixels", digits()), "pixels")
for size in (8, 11, 32):
    add(f"pixels/size-{size}", partial(pixels, size), "pixels", "images")
add("gist/squares", partial(features, "gist", squares()), "gist", "images")
add("gist/resized", partial(features, "gist", photographs(), RESIZED), "gist", "images")
for spec in (*NETS, "squeezenet1_1"):
    side = int(spec.partition("@")[2] or 256)
    needs = "timm" if "efficientnet" in spec else None
    add(
        f"networks/{spec.replace(':', '-')}",
        partial(deep, spec, side),
        "networks",
        "images",
        slow=spec in SLOW,
        needs=needs,
    )
PREPROCESSED = ("squeezenet1_1", "squeezenet1_1@97", "timm:efficientnet_lite0")
for spec in (*PREPROCESSED, "efficientnet_lite0", "efficientnet_lite0@97"):
    needs = "timm" if spec.startswith("timm:") else None
    add(f"preprocessing/{spec.replace(':', '-')}", partial(preprocessed, spec), "networks", "images", needs=needs)
