"""What a training leaves for a golden, and the trainings of the two autoencoders."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch

from hashbench.execution.frozen_maps import computed_maps
from hashbench.method import Backbone, HashMethod, RunContext, TrainingSet, no_backbone
from hashbench.plugins.registry import METHODS
from tests.golden.golden import add
from tests.golden.inputs import stored
from tests.golden.values import Floats, Losses, Result, array_of

SEED = 11
OF_SIGNS = {"epoch", "imbalance", "correlation", "unique"}  # no losses: they count signs
EPOCHS = 5  # of one step each: a batch holds all items


def trained(
    name: str,
    train: TrainingSet,
    backbones: Callable[[str], Backbone] = no_backbone,
    features: str = "pixels",
    **parameters: Any,
) -> tuple[HashMethod, RunContext]:
    """A method of 16 bits, fitted in float32, with torch's generators seeded here and not by the engine."""
    run = RunContext(torch.device("cpu"), torch.Generator().manual_seed(SEED), features, backbones=backbones)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        method = METHODS.get(name)(16, **parameters)
        part = method.frozen_part()
        if part is not None:
            train = replace(train, given_maps=computed_maps(train.images, part, backbones, run.device))
        method.fit(train, run)
    return method, run


def losses(run: RunContext) -> dict[str, Result]:
    """Each loss by epoch, and what was logged of the whole training."""
    names = sorted(run.epochs[0].keys() - OF_SIGNS)
    found: dict[str, Result] = {name: Losses(array_of([epoch[name] for epoch in run.epochs])) for name in names}
    facts = {name: value for name, value in sorted(run.facts.items()) if isinstance(value, float)}
    return found | {name: Losses(np.array([value])) for name, value in facts.items()}


def autoencoder(name: str, **parameters: Any) -> dict[str, Result]:
    """Losses of five steps, z of every fifth item."""
    features = stored("features")
    settings = {"epochs": EPOCHS, "batch": 200, "rate": 1e-2} | parameters
    method, run = trained(name, TrainingSet(features[:200]), **settings)
    with torch.no_grad():
        z = vars(method)["net_"](features)
    return {**losses(run), "z": Floats(array_of(z[::5]))}


for autoencoder_name in ("tanh_autoencoder", "ste_autoencoder"):
    for case, settings in (("linear", {}), ("hidden", {"hidden": 12}), ("batches", {"batch": 70, "epochs": 2})):
        add(
            f"autoencoders/{autoencoder_name.partition('_')[0]}-{case}",
            partial(autoencoder, autoencoder_name, **settings),
            "nets",
            methods=(autoencoder_name,),
        )
add(
    "autoencoders/tanh-penalty",
    partial(autoencoder, "tanh_autoencoder", penalty=3.0),
    "nets",
    methods=("tanh_autoencoder",),
)
