"""ITQ and spectral hashing on CIFAR-10 with GIST against the published rows (``cifar10/unsupervised-59k``).

LSH, whose figure hangs on its draws, is held by ``tests/test_published_gist.py``.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

import hashbench as hb
from hashbench.data.spec import open_dataset
from hashbench.dataset import Split
from hashbench.evaluation.evaluate import evaluate
from hashbench.features.cache import cached_features
from hashbench.features.spec import extractor
from hashbench.reporting.published.figures import tables_with

(TABLE,) = [table for table in tables_with("itq") if table.protocol == "cifar10/unsupervised-59k"]
BITS = TABLE.bits("itq")


@dataclass(frozen=True)
class Gist59k:
    """The protocol's split with features and labels of all items."""

    split: Split
    features: npt.NDArray[np.floating[Any]]
    labels: npt.NDArray[np.bool_]


@pytest.fixture(scope="module")
def gist59k(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Gist59k:
    cifar10 = open_dataset("cifar10/unsupervised-59k", data_root)
    cache, cpu = tmp_path_factory.mktemp("cache"), torch.device("cpu")
    features = cached_features(cifar10, "cifar10", extractor("gist"), cache, cpu, print).values
    return Gist59k(cifar10.split(), features, cifar10.labels())


@pytest.mark.slow
@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("name", ["itq", "spectral"])
def test_map_lies_within_the_published_row(gist59k: Gist59k, name: str, bits: int) -> None:
    split, features, labels = gist59k.split, gist59k.features, gist59k.labels
    method = hb.hasher(name, bits=bits, device="cpu").fit(features[split.train])
    scores = evaluate(
        method.encode(features[split.query]),
        method.encode(features[split.database]),
        labels[split.query],
        labels[split.database],
    )
    print(f"{name} {bits}: {scores.metrics['map@all']:.4f}")
    assert scores.metrics["map@all"] == pytest.approx(TABLE.rows[name][str(bits)], abs=TABLE.tolerance)
