"""BGAN: its two variants and every option that changes a training, with the small encoder and with a tiny one."""

from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from hashbench.method import Backbone, TrainingSet
from tests.golden.cases.trainings import EPOCHS, losses, trained
from tests.golden.formula import codes, tiny_backbone
from tests.golden.golden import add
from tests.golden.inputs import enlarged, stored
from tests.golden.values import Floats, Result, array_of

TINY = "squeezenet1_1@32"  # the name by which a run asks for a network; the one it gets here is tiny
ON_BACKBONE = {"encoder": TINY, "head_warmup_epochs": 20, "views": 2, "hidden": 8}
ON_BACKBONE |= {"similarity": "shared", "fixed_statistics": False}
WEIGHTS = ("neighbourhood", "pixel", "perceptual", "adversarial")


def bgan(
    backbone: Backbone | None = None, items: int = 24, batch_statistics: bool = False, **parameters: Any
) -> dict[str, Result]:
    """Losses of five steps, z of all training images, and the images that the generator makes of given codes.

    Args:
        backbone: the pre-trained encoder; None for the small one.
        items: number of images.
        batch_statistics: z is that of training. In networks where a batch norm removes the shift of an earlier layer,
            the gradient of that shift is rounding noise, which Adam scales to whole steps; a batch's own statistics
            remove it, those that were collected do not quite.
        parameters: of the method; an epoch is one step unless they say otherwise.
    """
    images, size = stored("images")[:items], backbone.size if backbone else 32
    images = images if size == images.shape[-1] else enlarged(images, size)
    settings: dict[str, Any] = {
        "epochs": EPOCHS,
        "batch": items,
        "k1": 3,
        "k2": 4,
        "precision": "float32",
        "encoder": "small",
    }
    settings["rate"] = 5e-4  # half the default: rounding errors grow with it from step to step
    settings |= (ON_BACKBONE if backbone else {}) | parameters
    train = TrainingSet(stored("teacher")[:items], images)
    method, run = trained("bgan", train, lambda name: backbone or tiny_backbone(), **settings)
    hasher: nn.Module = vars(method)["hasher_"]
    if batch_statistics:
        for layer in hasher.modules():
            layer.train(isinstance(layer, nn.modules.batchnorm._BatchNorm))
    with torch.no_grad():
        z = hasher(images)
    restored = method.restore(codes(4, 16))
    made: dict[str, Result] = {} if restored is None else {"restored": Floats(array_of(restored[..., ::4, 1::4]))}
    return {**losses(run), "z": Floats(array_of(z)), **made}


def tiny(**parameters: Any) -> dict[str, Result]:
    """The same with a pre-trained encoder of two convolutions."""
    return bgan(tiny_backbone(), **parameters)


def without_cache() -> dict[str, Result]:
    """Nothing fits in the cache: the warm-up then sees one view of each image, by design."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hashbench.nets.training_images.DEVICE_CACHE_BYTES", 1)
        return tiny(freeze=3, hidden=0)


def only(name: str, weight: float) -> dict[str, float]:
    """All weights 0 but one."""
    return {**dict.fromkeys(WEIGHTS, 0.0), name: weight}


SMALL: dict[str, dict[str, Any]] = {
    "paper": {},
    "released": {"variant": "released"},
    "released-size-64": {"variant": "released", "reconstruction_size": 64, "items": 4, "epochs": 2},
    "size-64": {"reconstruction_size": 64, "items": 4, "epochs": 2},
    "several-batches": {"batch": 8, "epochs": 2},
    "nearest": {"similarity": "nearest"},
    "batch-neighbours": {"batch_neighbours": 2},
    "views": {"views": 3, "shift": 0.2},
    "views-not-mirrored": {"views": 3, "flip": False},
    "tanh": {"activation": "tanh"},
    "products": {"divide_by_bits": False},
    "hidden": {"hidden": 12},
    "constant-rate": {"cosine_decay": False, "rate": 2e-4},
    "rate": {"rate": 2.5e-4},
    "one-beta": {"betas": (3.0,)},
    **{f"without-{name}": {name: 0.0} for name in WEIGHTS},
    **{f"only-{name}": only(name, 0.5) for name in WEIGHTS},
}
DIFFUSED: dict[str, Any] = {"similarity": "diffusion", "k1": 5, "similar": 5, "features": TINY}
PRETRAINED: dict[str, dict[str, Any]] = {
    "paper": {},
    "released": {"variant": "released", "head_warmup_epochs": 0, "views": 1, "hidden": 0},
    "no-warm-up": {"head_warmup_epochs": 0},
    "linear-head": {"hidden": 0},
    "frozen": {"freeze": 3},
    "frozen-one-view": {"freeze": 3, "views": 1, "pretrained_rate": 2e-5},
    "constant-rates": {"cosine_decay": False},
    "warm-up-batches": {"batch": 8, "head_warmup_epochs": 2, "epochs": 1},
    "warm-up-neighbours": {"batch_neighbours": 1, "head_warmup_epochs": 3, "epochs": 2},
    "without-neighbourhood": {"neighbourhood": 0.0},
    "fixed-statistics": {"fixed_statistics": True},
    "diffused": {**DIFFUSED},
    "diffused-frozen": {**DIFFUSED, "freeze": 3},
    "diffused-of-one-view": {**DIFFUSED, "average_views": False},
}
for case, options in SMALL.items():
    add(f"bgan/{case}", partial(bgan, **options), "nets", methods=("bgan",))
for case, options in PRETRAINED.items():
    add(f"bgan/tiny-{case}", partial(tiny, **options), "nets", methods=("bgan",))
add("bgan/tiny-frozen-without-cache", without_cache, "nets", methods=("bgan",))
