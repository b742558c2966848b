"""ITQ and spectral hashing on CIFAR-10 with GIST against the published rows (``cifar10/unsupervised-59k``)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

import hashbench as hb
from hashbench.dataset import Split, protocol_of
from hashbench.evaluation.evaluate import evaluate
from hashbench.features.cache import cached_features
from hashbench.features.spec import extractor
from hashbench.registry import DATASETS

BITS = (12, 24, 32, 48)
# mAP@all as quoted in Advances in Multimedia 2017:8961091, table 3.
PUBLISHED = {"itq": (0.162, 0.169, 0.172, 0.175), "spectral": (0.131, 0.135, 0.133, 0.130)}
TOLERANCE = 0.015


@dataclass(frozen=True)
class Gist59k:
    """The protocol's split with features and labels of all items."""

    split: Split
    features: npt.NDArray[np.float32]
    labels: npt.NDArray[np.bool_]


@pytest.fixture(scope="module")
def gist59k(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Gist59k:
    kind = DATASETS.get("cifar10")
    cifar10 = kind(data_root)
    cache = tmp_path_factory.mktemp("cache")
    content, cpu = cifar10.content(), torch.device("cpu")
    features = cached_features(cifar10, "cifar10", content, extractor("gist"), cache, cpu, print).values
    protocol = protocol_of(kind, "unsupervised-59k", "cifar10")
    return Gist59k(cifar10.split(protocol), features, cifar10.labels(protocol))


@pytest.mark.slow
@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("name", PUBLISHED)
def test_map_lies_within_the_published_row(gist59k: Gist59k, name: str, bits: int) -> None:
    split, features, labels = gist59k.split, gist59k.features, gist59k.labels
    method = hb.method(name, bits=bits, device="cpu").fit(features[split.train])
    scores = evaluate(
        method.encode(features[split.query]),
        method.encode(features[split.database]),
        labels[split.query],
        labels[split.database],
    )
    print(f"{name} {bits}: {scores.metrics['map@all']:.4f}")
    assert scores.metrics["map@all"] == pytest.approx(PUBLISHED[name][BITS.index(bits)], abs=TOLERANCE)
