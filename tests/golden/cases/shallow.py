"""Codes of the methods without networks, at two lengths, one of them above the rank of the features (21)."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch

from hashbench.method import RunContext, TrainingSet
from hashbench.plugins.registry import METHODS
from hashbench.util.pca import principal_axes
from tests.golden.golden import add
from tests.golden.inputs import stored
from tests.golden.values import Bits, Floats, Result, array_of

TRAINING_ITEMS = 200  # of the 240; the others are new to the method
CLASSES = 5
LENGTHS = {"lsh": (8, 40), "pcah": (8, 24), "itq": (8, 24), "spectral": (8, 40)}
FIELD: Mapping[str, Mapping[str, Any]] = {
    **{name: {} for name in ("agh", "cbe", "dsh", "isohash", "kmh", "pca_rr", "sgh", "sklsh", "spherical", "itq_cca")},
    "imh": {"embedding": "eigenmaps"},  # t-SNE's thousand steps carry the last digits of a machine far
}


def codes(name: str, bits: int, parameters: Mapping[str, Any] | None = None) -> dict[str, Result]:
    """Of all items, by a method that was fitted to the first 200."""
    features = stored("features")
    run = RunContext(torch.device("cpu"), torch.Generator().manual_seed(5))
    kind = METHODS.get(name)
    labels = torch.eye(CLASSES, dtype=torch.bool)[torch.arange(TRAINING_ITEMS) % CLASSES]
    train = TrainingSet(features[:TRAINING_ITEMS], given_labels=labels if kind.traits.supervised else None)
    method = kind(bits, **(parameters or {})).fit(train, run)
    return {"codes": Bits(array_of(method.encode(features)))}


def axes() -> dict[str, Result]:
    """Principal axes with their signs, more of them than the rank."""
    features = stored("features")
    principal = principal_axes(features[:TRAINING_ITEMS], 24)
    return {
        "mean": Floats(array_of(principal.mean), 1e-6),
        "axes": Floats(array_of(principal.axes), 1e-5),
        "projected": Floats(array_of(principal.project(features)), 1e-5),
    }


for method, lengths in LENGTHS.items():
    for length in lengths:
        add(f"shallow/{method}-{length}", partial(codes, method, length), "pca", methods=(method,))
for method, given in FIELD.items():
    add(f"shallow/{method}-16", partial(codes, method, 16, given), "pca", "shallow", methods=(method,))
add("pca/principal-axes", axes, "pca")
