"""Throughput is measured on what a method is promised."""

from pathlib import Path
from typing import Self

import numpy as np
import pytest
import torch
from torch import Tensor

from hashbench.codes import Codes
from hashbench.data.spec import open_dataset
from hashbench.dataset import Images
from hashbench.execution.measure import measure
from hashbench.features.extractor import Extractor
from hashbench.method import HashMethod, RunContext, TrainingSet, Traits


class Half(Extractor):
    """Features in half precision, as on a GPU."""

    part = "half"
    version = 1

    name, dtype = "half", "float16"

    def __call__(self, images: Images) -> Tensor:
        assert isinstance(images, Tensor)
        return images.flatten(1).half()


class Particular(HashMethod):
    """Takes float32 and nothing else."""

    traits = Traits()

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        return self

    def encode(self, batch: Tensor) -> Tensor:
        assert batch.dtype == torch.float32
        return batch[:, : self.bits] > 0


def test_methods_get_float32_whatever_dtype_the_features_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hashbench.execution.measure.SECONDS_PER_FIGURE", 0.001)
    digits = open_dataset("digits", Path())
    codes = Codes.pack(np.zeros((20, 8), dtype=np.bool_))
    run = RunContext(torch.device("cpu"), torch.Generator())
    throughput = measure(Particular(8), run, digits, digits.split().query, (codes, codes), Half())
    assert throughput["encode"]["images_per_s"]["median"] > 0
    assert throughput["encode"]["features_per_s"]["median"] > 0
