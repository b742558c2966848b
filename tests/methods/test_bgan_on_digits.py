"""The margin BGAN has to keep over the methods without a network of their own on the default data set."""

from pathlib import Path

import pytest

import hashbench
from hashbench.data.spec import open_dataset
from hashbench.evaluation.evaluate import evaluate
from hashbench.plugins.registry import METHODS
from tests.pictures import pictures

MARGIN = 0.08
OTHERS = ("itq", "lsh", "tanh_autoencoder", "ste_autoencoder")


def headline(name: str, seed: int) -> float:
    """mAP@1000 at 32 bits with every parameter at its default."""
    digits = open_dataset("digits", Path())
    split, labels = digits.split(), digits.labels()
    train, query = pictures(digits, split.train), pictures(digits, split.query)
    if METHODS.get(name).traits.input == "features":
        train, query = (images.flatten(1).float() / 255 for images in (train, query))
    method = hashbench.hasher(name, bits=32, seed=seed, device="cpu").fit(train)
    scores = evaluate(method.encode(query), method.encode(train), labels[split.query], labels[split.train])
    value = scores.metrics["map@1000"]
    assert value is not None
    return value


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_bgan_is_above_the_others_by_the_margin(seed: int) -> None:
    bgan = headline("bgan", seed)
    others = {name: headline(name, seed) for name in OTHERS}
    assert bgan >= max(others.values()) + MARGIN, (bgan, others)
