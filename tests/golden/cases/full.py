"""Codes of the methods that make a bit for each dimension."""

from functools import partial

import torch

from hashbench.method import RunContext, TrainingSet
from hashbench.plugins.registry import METHODS
from tests.golden.golden import add
from tests.golden.inputs import stored
from tests.golden.values import Bits, Result, array_of

TRAINING_ITEMS = 200  # of the 240; the others are new to the method
CASES = {
    "sign-zero": ("sign", {}),
    "sign-mean": ("sign", {"threshold": "mean"}),
    "sign-median": ("sign", {"threshold": "median"}),
    "rotated_sign": ("rotated_sign", {}),
    "rabitq": ("rabitq", {}),
}


def codes(name: str, parameters: dict[str, str]) -> dict[str, Result]:
    """Of all items, by a method that was fitted to the first 200."""
    features = stored("features")
    run = RunContext(torch.device("cpu"), torch.Generator().manual_seed(5))
    method = METHODS.get(name)(features.shape[1], **parameters).fit(TrainingSet(features[:TRAINING_ITEMS]), run)
    return {"codes": Bits(array_of(method.encode(features)))}


for case, (method, given) in CASES.items():
    add(f"full/{case}", partial(codes, method, given), "pca", methods=(method,))
